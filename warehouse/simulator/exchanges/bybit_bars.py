"""Bybit v5 on the wire: bars of trades, mark, index and premium, and settled funding. Newest first."""

from warehouse.simulator.exchanges.bybit import contract_of, envelope, page, refuse, span
from warehouse.simulator.exchanges.wire import (
    DAY_MS,
    MINUTE_MS,
    Handler,
    Query,
    Reply,
    backward,
    column,
    integers,
    plain,
)
from warehouse.simulator.market.source import FUNDING_MS, BarKind, Interval

BAR_INTERVALS = {
    "1": 1, "3": 3, "5": 5, "15": 15, "30": 30, "60": 60, "120": 120, "240": 240, "360": 360, "720": 720,
    "D": 1440, "W": 10_080,
}  # fmt: skip
MONDAY_MS = 4 * DAY_MS


def _bars(kind: BarKind) -> Handler:
    def answer(query: Query) -> Reply:
        contract = contract_of(query)
        if query.get("interval") not in BAR_INTERVALS:
            raise refuse(query, "Invalid period!")
        length = BAR_INTERVALS[query.get("interval")] * MINUTE_MS
        step = Interval(length, MONDAY_MS if query.get("interval") == "W" else 0)
        limit = page(query, 200, 1000)
        first, last = backward(query, contract, step, *span(query, "start", "end"), limit)
        bars = query.source.bars(contract, kind, step, first, last, query.now_ms)
        count, places = len(bars.open_ms), 8 if kind == "premium" else contract.price_decimals
        columns = [[str(ts) for ts in integers(bars.open_ms)]]
        columns += [column(part, places, count) for part in (bars.open, bars.high, bars.low, bars.close)]
        if kind == "trade":
            columns += [column(bars.volume, contract.unit_decimals, count), column(bars.turnover, 4, count)]
        rows = [list(row) for row in zip(*columns, strict=True)][-limit:][::-1]
        return envelope(query, {"symbol": contract.symbol, "category": "linear", "list": rows})

    return answer


def funding_history(query: Query) -> Reply:
    """Serve settled funding. Here a start without an end is an error."""
    contract = contract_of(query)
    if query.get("startTime") and not query.get("endTime"):
        raise refuse(query, "params error: endTime required with startTime")
    limit = page(query, 200, 200)
    first, last = backward(query, contract, Interval(FUNDING_MS), *span(query, "startTime", "endTime"), limit)
    found = query.source.funding(contract, first, last)
    rows = [
        {"symbol": contract.symbol, "fundingRate": plain(rate), "fundingRateTimestamp": str(ts)}
        for ts, rate in zip(integers(found.ts_ms), found.rate.tolist(), strict=True)
    ]
    return envelope(query, {"category": "linear", "list": rows[-limit:][::-1]})


BAR_ROUTES: dict[str, Handler] = {
    "/v5/market/kline": _bars("trade"),
    "/v5/market/mark-price-kline": _bars("mark"),
    "/v5/market/index-price-kline": _bars("index"),
    "/v5/market/premium-index-price-kline": _bars("premium"),
    "/v5/market/funding/history": funding_history,
}
