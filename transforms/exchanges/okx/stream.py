"""OKX: liquidations of every swap, in contracts, at most one for each swap and second.

It takes the kind of contract and nothing narrower: a subscription by instrument is refused. The events are those of its
list (`liquidations` in `okx`), which has more of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from transforms.exchanges.okx.rows import liquidation
from transforms.exchanges.stream import Heard, refusal, said

URL: str = "wss://ws.okx.com:8443"
PATH: str = "/ws/v5/public"
WHOLE_MARKET: bool = True
PING: str | None = "ping"

_CHANNEL = {"channel": "liquidation-orders", "instType": "SWAP"}


def subscriptions(instruments: Sequence[str]) -> list[str]:
    """One message, whatever the instruments."""
    return [json.dumps({"op": "subscribe", "args": [_CHANNEL]})]


def hear(message: str) -> Heard:
    """What a message means; a heartbeat is answered in plain text. BadPayload for one that cannot be read."""
    if message == "pong":
        return Heard()
    cells = said(message)
    event = cells.get("event")
    if event == "error":
        return refusal(cells.get("code"), cells.get("msg"))
    if event is not None:
        return Heard(acknowledged=event == "subscribe")
    groups = cells.records("data")
    return Heard(rows=tuple(liquidation(each, g.text("instId")) for g in groups for each in g.records("details")))
