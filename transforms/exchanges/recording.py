"""What was heard of an exchange's stream in an hour: a line for each message as it came, and marks of what was listened to.

A line is JSON with `at`, when it was heard (unix ms), and either `said`, the message, or `mark`: `connected`;
`subscribed`, with the `instruments` or null for every contract; `alive`, when the exchange answered a ping;
`disconnected`, with `why`. A writer may be killed at any byte, so a line that cannot be read is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transforms.exchanges.binance import stream as binance_stream
from transforms.exchanges.bybit import stream as bybit_stream
from transforms.exchanges.okx import stream as okx_stream
from transforms.exchanges.parsing.rows import readable
from transforms.exchanges.protocol import BadPayload, Row
from transforms.exchanges.stream import Stream

STREAMS: dict[str, Stream] = {"binance": binance_stream, "bybit": bybit_stream, "okx": okx_stream}

ENDPOINT = "stream_liquidations"
"""The name under which an hour's recording is a payload."""

LATENESS_MS = 10_000
"""A message is of the hour that it was heard in, so much earlier: exchanges tell of a second when it is over."""

SUBSCRIBED, ALIVE, CONNECTED, DISCONNECTED = "subscribed", "alive", "connected", "disconnected"


@dataclass(frozen=True)
class Listened:
    """A stretch of one connection in which nothing that was sent can have been missed; `instruments` None: of all."""

    start_ms: int
    end_ms: int
    instruments: tuple[str, ...] | None


def line(at_ms: int, **what: object) -> bytes:
    """A line of a recording."""
    return json.dumps({"at": at_ms, **what}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read(body: bytes) -> list[dict[str, Any]]:
    """The lines of a recording that are whole."""
    return [found for each in body.split(b"\n") if (found := _whole(each)) is not None]


def _whole(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("at"), int) else None


def rows(exchange: str, body: bytes) -> list[Row]:
    """The liquidations that were heard; a message that came again is the same one.

    BadPayload where most of what was said is unreadable.
    """
    told = dict.fromkeys(each["said"] for each in read(body) if isinstance(each.get("said"), str))
    return readable(told, lambda message: list(STREAMS[exchange].hear(message).rows))


def listened(body: bytes) -> list[Listened]:
    """The stretches that were listened to: from a subscription to the last sign of life of its connection.

    What breaks silently is noticed late, so that a connection's end does not count as one.
    """
    found: list[Listened] = []
    since: Mapping[str, Any] | None = None
    last_ms = 0
    for each in [*read(body), {"at": 0, "mark": DISCONNECTED}]:
        if each.get("mark") in (SUBSCRIBED, CONNECTED, DISCONNECTED):
            if since is not None and last_ms > since["at"]:
                named = since.get("instruments")
                found.append(Listened(since["at"], last_ms, None if named is None else tuple(named)))
            since = each if each["mark"] == SUBSCRIBED else None
        last_ms = each["at"]
    return found


def check_heard(exchange: str, body: bytes) -> list[Row]:
    """The liquidations of a recording that stands for an hour of the whole market, which is never quiet.

    BadPayload where there are none: an exchange may acknowledge a subscription and send nothing.
    """
    found = rows(exchange, body)
    if STREAMS[exchange].WHOLE_MARKET and not found:
        raise BadPayload("an hour of the whole market without a liquidation: the stream is not served here")
    return found
