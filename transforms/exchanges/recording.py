"""Recordings of an exchange's stream, one per hour: each message as received, and marks of the connection's state.

A line is JSON with `at`, the time of receipt (unix ms), and either `said`, the message, or `mark`: `connected`;
`subscribed`, with the `instruments` or null for every contract; `alive`, when the exchange answered a ping;
`disconnected`, with `why`. A writer may be killed at any byte, so unreadable lines are skipped.
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
"""The endpoint under which an hour's recording is stored as a payload."""

LATENESS_MS = 10_000
"""The delay of a message. Its hour is that of its receipt minus this: exchanges report a second once it is over."""

SUBSCRIBED, ALIVE, CONNECTED, DISCONNECTED = "subscribed", "alive", "connected", "disconnected"


@dataclass(frozen=True)
class Listened:
    """A stretch of one connection in which no message can be lost; `instruments` None means every contract."""

    start_ms: int
    end_ms: int
    instruments: tuple[str, ...] | None


def line(at_ms: int, **fields: object) -> bytes:
    """Encode a line of a recording."""
    return json.dumps({"at": at_ms, **fields}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read(body: bytes) -> list[dict[str, Any]]:
    """Return the complete lines of a recording."""
    return [found for each in body.split(b"\n") if (found := _parse_line(each)) is not None]


def _parse_line(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("at"), int) else None


def rows(exchange: str, body: bytes) -> list[Row]:
    """Return the recorded liquidations; repeated messages count once.

    Raises BadPayload if most messages are unreadable.
    """
    messages = dict.fromkeys(each["said"] for each in read(body) if isinstance(each.get("said"), str))
    return readable(messages, lambda message: list(STREAMS[exchange].hear(message).rows))


def listened(body: bytes) -> list[Listened]:
    """Return the covered stretches: from a subscription to the last sign of life of its connection.

    A silent break is noticed late, so the end of a connection is not a sign of life.
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
    """Return the recorded liquidations, after a check that a recording of the whole market has any.

    The whole market is never quiet for an hour, but an exchange may acknowledge a subscription and send nothing:
    raises BadPayload for it.
    """
    found = rows(exchange, body)
    if STREAMS[exchange].WHOLE_MARKET and not found:
        raise BadPayload("no liquidation in an hour of the whole market: the stream is not served here")
    return found
