"""Liquidation streams of exchanges: address, subscription messages, and the parsing of messages. No I/O.

A stream is a module (`binance/stream.py`) that implements `Stream`. The listener
(`warehouse/ingest/streams/listener.py`) holds the connection and records every message; the builders of the `core`
tables parse the recorded messages again.
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
    """The content of one message: liquidations, an acknowledged or a refused subscription; a heartbeat has none."""

    rows: tuple[Row, ...] = ()
    acknowledged: bool = False
    refused: str | None = None


class Stream(Protocol):
    """The interface of an exchange's stream. All functions are pure."""

    URL: str  # official, without the path
    PATH: str
    WHOLE_MARKET: bool  # one subscription covers every contract; else each contract is named
    PING: str | None  # the exchange requires it at least every 20 seconds, besides the protocol's own pings

    def subscriptions(self, instruments: Sequence[str]) -> list[str]:
        """Return the messages to send after connecting; the exchange acknowledges each."""
        ...

    def hear(self, message: str) -> Heard:
        """Interpret a message. Raises BadPayload if it cannot be read."""
        ...


def decode(message: str) -> Cells:
    """Decode a message, a JSON object. Raises BadPayload for anything else."""
    try:
        found = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise BadPayload("message is not JSON, or is cut short") from error
    if not isinstance(found, dict):
        raise BadPayload("message is not a record")
    return Cells(found, "message")


def refusal(*words: object) -> Heard:
    """Return a refused subscription, with the exchange's own words as the reason."""
    return Heard(refused=" ".join(" ".join(str(word) for word in words if word not in (None, "")).split())[:160])
