"""OKX v5 on the wire: liquidations. No other simulated exchange publishes realised ones over REST."""

from warehouse.simulator.exchanges.okx import between, envelope, page, refuse
from warehouse.simulator.exchanges.okx_static import swaps
from warehouse.simulator.exchanges.wire import DAY_MS, Handler, Query, Reply, plain, text
from warehouse.simulator.market.listing import Instrument

KEPT_MS = DAY_MS


def liquidation_orders(query: Query) -> Reply:
    """Serve the liquidations of the last day: size in contracts, at the bankruptcy price, newest first."""
    if not (query.get("instFamily") or query.get("uly") or query.get("instId")):
        raise refuse("50014", "Parameter uly or instFamily can not be empty.", 400)
    limit = page(query, 100, 100)
    start, end = between(query, "after", "before")
    start = max(start, query.now_ms - KEPT_MS)
    rows = []
    for each in swaps(query):
        details = _details(query, each, start, end)[-limit:][::-1]
        if details:
            row = {"details": details, "instFamily": each.family, "instId": each.symbol, "instType": "SWAP"}
            rows.append(row | {"totalLoss": "0", "uly": each.family})
    return envelope(rows)


def _details(query: Query, each: Instrument, start: int, end: int) -> list[dict[str, str]]:
    if start > end:  # the whole range is older than the history kept
        return []
    found = query.source.liquidations(each, start, end)
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
