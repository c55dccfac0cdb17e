"""Bybit linear stream: every liquidation of the named contracts, twice a second."""

from __future__ import annotations

import json
from collections.abc import Sequence

from transforms.exchanges.parsing.json_body import Cells
from transforms.exchanges.parsing.rows import row
from transforms.exchanges.protocol import BadPayload, Row
from transforms.exchanges.stream import Heard, decode, refusal

URL: str = "wss://stream.bybit.com"
PATH: str = "/v5/public/linear"
WHOLE_MARKET: bool = False
PING: str | None = json.dumps({"op": "ping"})

_TOPIC = "allLiquidation."
_TOPICS_A_MESSAGE = 300  # Bybit accepts 21,000 characters of topics
_SIDE = {"Buy": "long", "Sell": "short"}  # of the position, not of the order that closes it


def subscriptions(instruments: Sequence[str]) -> list[str]:
    """Return the subscription messages: a topic for each contract, as many per message as Bybit accepts."""
    topics = [f"{_TOPIC}{name}" for name in instruments]
    parts = range(0, len(topics), _TOPICS_A_MESSAGE)
    return [json.dumps({"op": "subscribe", "args": topics[first : first + _TOPICS_A_MESSAGE]}) for first in parts]


def hear(message: str) -> Heard:
    """Interpret a message. Raises BadPayload if it cannot be read."""
    cells = decode(message)
    if str(cells.get("topic")).startswith(_TOPIC):
        return Heard(rows=tuple(_liquidation(each) for each in cells.records("data")))
    if cells.get("op") != "subscribe":
        return Heard()
    return Heard(acknowledged=True) if cells.get("success") is True else refusal(cells.get("ret_msg"))


def _liquidation(event: Cells) -> Row:
    """Return one event. Its price is the bankruptcy price, not the price of the fill."""
    side = _SIDE.get(event.text("S"))
    if side is None:
        raise BadPayload(f"{event.where}: S is {event.text('S')[:20]!r}")
    return row(
        "realised_liquidations",
        instrument=event.text("s"),
        time_ms=event.time("T"),
        side=side,
        price=event.number("p", positive=True),
        size_base=event.number("v", positive=True),
    )
