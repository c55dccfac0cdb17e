"""OKX v5 on the wire: liquidations, the one realised figure that an exchange here publishes over REST."""

from warehouse.simulator.exchanges.okx import between, enveloped, page, refuse
from warehouse.simulator.exchanges.okx_static import swaps
from warehouse.simulator.exchanges.wire import DAY_MS, Ask, Handler, Reply, plain, text
from warehouse.simulator.market.listing import Instrument

KEPT_MS = DAY_MS


def liquidation_orders(ask: Ask) -> Reply:
    """Positions taken over in the last day: size in contracts, at the bankruptcy price, newest first."""
    if not (ask.get("instFamily") or ask.get("uly") or ask.get("instId")):
        raise refuse("50014", "Parameter uly or instFamily can not be empty.", 400)
    limit = page(ask, 100, 100)
    start, end = between(ask, "after", "before")
    start = max(start, ask.now_ms - KEPT_MS)
    rows = []
    for each in swaps(ask):
        details = _details(ask, each, start, end)[-limit:][::-1]
        if details:
            row = {"details": details, "instFamily": each.family, "instId": each.symbol, "instType": "SWAP"}
            rows.append(row | {"totalLoss": "0", "uly": each.family})
    return enveloped(rows)


def _details(ask: Ask, each: Instrument, start: int, end: int) -> list[dict[str, str]]:
    if start > end:  # the whole range is older than what is kept
        return []
    found = ask.source.liquidations(each, start, end)
    columns = (found.ts_ms.tolist(), found.long.tolist(), found.units.tolist(), found.bankruptcy_price.tolist())
    return [
        {
            "bkLoss": "0",
            "bkPx": text(price, each.price_decimals),
            "ccy": "",
            "posSide": "long" if long else "short",
            "side": "sell" if long else "buy",
            "sz": plain(units / each.contract_units, 4),
            "time": str(ts),
            "ts": str(ts),
        }
        for ts, long, units, price in zip(*columns, strict=True)
    ]


LIQUIDATION_ROUTES: dict[str, Handler] = {"/api/v5/public/liquidation-orders": liquidation_orders}
