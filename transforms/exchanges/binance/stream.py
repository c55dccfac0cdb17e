"""Binance USD-M stream: forced orders of every contract, at most one per contract and second.

Only the routed path `/market/…` carries them. The older paths acknowledge a subscription and send nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from transforms.exchanges.parsing.json_body import Cells
from transforms.exchanges.parsing.rows import row
from transforms.exchanges.protocol import BadPayload, Row
from transforms.exchanges.stream import Heard, decode, refusal

URL: str = "wss://fstream.binance.com"
PATH: str = "/market/ws"
WHOLE_MARKET: bool = True
PING: str | None = None

_CHANNEL = "!forceOrder@arr"
_SIDE = {"SELL": "long", "BUY": "short"}  # of the order that closes the position


def subscriptions(instruments: Sequence[str]) -> list[str]:
    """Return one message, whatever the instruments."""
    return [json.dumps({"method": "SUBSCRIBE", "params": [_CHANNEL], "id": 1})]


def hear(message: str) -> Heard:
    """Interpret a message. Raises BadPayload if it cannot be read."""
    cells = decode(message)
    if cells.get("e") == "forceOrder":
        return Heard(rows=_liquidation(cells.inner("o")))
    if cells.get("error") is not None:
        wrong = cells.inner("error")
        return refusal(wrong.get("code"), wrong.get("msg"))
    if cells.get("code") is not None:
        return refusal(cells.get("code"), cells.get("msg"))
    return Heard(acknowledged=cells.get("id") == 1)


def _liquidation(order: Cells) -> tuple[Row, ...]:
    """Return the event if anything was filled: `p` is the bankruptcy price, `z` the filled size, which may be 0."""
    side = _SIDE.get(order.text("S"))
    if side is None:
        raise BadPayload(f"{order.where}: S is {order.text('S')[:20]!r}")
    size = order.number("z")
    made = row(
        "realised_liquidations",
        instrument=order.text("s"),
        time_ms=order.time("T"),
        side=side,
        price=order.number("p", positive=True),
        size_base=size,
    )
    return (made,) if size else ()
