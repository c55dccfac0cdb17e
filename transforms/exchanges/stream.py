"""What an exchange's stream of liquidations is: where it is, what is said to it, what its messages mean. No I/O.

A stream is a module (`binance/stream.py`) that answers to `Stream`. The listener
(`warehouse/ingest/streams/listener.py`) keeps the connection and writes down what it hears; the builders of the `core`
tables hear the same messages again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from transforms.exchanges.parsing.json_body import Cells
from transforms.exchanges.protocol import BadPayload, Row


@dataclass(frozen=True)
class Heard:
    """What one message says: liquidations, that a subscription stands, or why it was refused. A heartbeat: nothing."""

    rows: tuple[Row, ...] = ()
    acknowledged: bool = False
    refused: str | None = None


class Stream(Protocol):
    """The surface of an exchange's stream. All functions are pure."""

    URL: str  # official, without the path
    PATH: str
    WHOLE_MARKET: bool  # one subscription for every contract; else each contract is named
    PING: str | None  # what the exchange wants to be sent at least every 20 seconds, besides the protocol's own pings

    def subscriptions(self, instruments: Sequence[str]) -> list[str]:
        """Messages to send after connecting; the exchange acknowledges each."""
        ...

    def hear(self, message: str) -> Heard:
        """What a message means. BadPayload for one that cannot be read."""
        ...


def said(message: str) -> Cells:
    """A message as the JSON object that it is."""
    try:
        found = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise BadPayload("message is not JSON, or is cut short") from error
    if not isinstance(found, dict):
        raise BadPayload("message is not a record")
    return Cells(found, "message")


def refusal(*words: object) -> Heard:
    """A subscription that the exchange refused, in its own words."""
    return Heard(refused=" ".join(" ".join(str(word) for word in words if word not in (None, "")).split())[:160])
