"""OKX stream: liquidations of every swap, in contracts, at most one per swap and second.

OKX accepts subscriptions by kind of contract only; one by instrument is refused. The events are also in its REST list
(endpoint `liquidations` of the adapter), which has more of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from transforms.exchanges.okx.rows import liquidation
from transforms.exchanges.stream import Heard, decode, refusal

URL: str = "wss://ws.okx.com:8443"
PATH: str = "/ws/v5/public"
WHOLE_MARKET: bool = True
PING: str | None = "ping"

_CHANNEL = {"channel": "liquidation-orders", "instType": "SWAP"}


def subscriptions(instruments: Sequence[str]) -> list[str]:
    """Return one message, whatever the instruments."""
    return [json.dumps({"op": "subscribe", "args": [_CHANNEL]})]


def hear(message: str) -> Heard:
    """Interpret a message; heartbeats are answered in plain text. Raises BadPayload if it cannot be read."""
    if message == "pong":
        return Heard()
    cells = decode(message)
    event = cells.get("event")
    if event == "error":
        return refusal(cells.get("code"), cells.get("msg"))
    if event is not None:
        return Heard(acknowledged=event == "subscribe")
    groups = cells.records("data")
    return Heard(rows=tuple(liquidation(each, g.text("instId")) for g in groups for each in g.records("details")))
