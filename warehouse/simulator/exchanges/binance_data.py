"""Binance USD-M on the wire: the statistics of /futures/data, which go back thirty days."""

from warehouse.simulator.exchanges.binance import contract_of, cut, number, page, refuse, span
from warehouse.simulator.exchanges.wire import DAY_MS, MINUTE_MS, Handler, Query, Reply, integers, text
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import Crowd, Interval

PERIODS = {"5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "12h": 720, "1d": 1440}
PAGE = (30, 500)
# A minute more than thirty days, so that a request for exactly thirty days ago may take a while to arrive.
HISTORY_MS = 30 * DAY_MS + MINUTE_MS


def _parse(query: Query) -> tuple[Instrument, Interval, int, tuple[int, int, bool]]:
    contract = contract_of(query)
    if query.get("period") not in PERIODS:
        raise refuse(-1130, "parameter 'period' is invalid.")
    step = Interval(PERIODS[query.get("period")] * MINUTE_MS)
    limit = page(query, PAGE)
    for name in ("startTime", "endTime"):
        at = number(query, name)
        if query.history_limits and at is not None and at < query.now_ms - HISTORY_MS:
            raise refuse(-1130, f"parameter '{name}' is invalid.")
    first, last, at_end = span(query, contract, step, limit)
    if query.history_limits:
        first = max(first, query.now_ms - HISTORY_MS)
    return contract, step, limit, (first, last, at_end)


def open_interest_history(query: Query) -> Reply:
    """Serve the open interest at the end of each period; the value is in USDT at the mark."""
    contract, step, limit, (first, last, at_end) = _parse(query)
    found = query.source.open_interest(contract, step, first, last)
    rows: list[dict[str, object]] = [
        {
            "symbol": contract.symbol,
            "sumOpenInterest": text(units, 8),
            "sumOpenInterestValue": text(units * price, 8),
            "CMCCirculatingSupply": "0.00000000",
            "timestamp": ts,
        }
        for ts, units, price in zip(integers(found.ts_ms), found.units.tolist(), found.price.tolist(), strict=True)
    ]
    return Reply(cut(rows, limit, at_end))


def _ratio(crowd: Crowd) -> Handler:
    def answer(query: Query) -> Reply:
        contract, step, limit, (first, last, at_end) = _parse(query)
        found = query.source.shares(contract, crowd, step, first, last)
        rows: list[dict[str, object]] = [
            {
                "symbol": contract.symbol,
                "longShortRatio": text(long / (1.0 - long), 4),
                "longAccount": text(long, 4),
                "shortAccount": text(1.0 - long, 4),
                "timestamp": str(ts),
            }
            for ts, long in zip(integers(found.ts_ms), found.long.tolist(), strict=True)
        ]
        return Reply(cut(rows, limit, at_end))

    return answer


def taker_ratio(query: Query) -> Reply:
    """Serve the taker volume of the period that ends at each timestamp, in native units."""
    contract, step, limit, (first, last, at_end) = _parse(query)
    found = query.source.flow(contract, step, first, last)
    columns = zip(integers(found.end_ms), found.buy.tolist(), found.sell.tolist(), strict=True)
    rows: list[dict[str, object]] = [
        {
            "buySellRatio": text(buy / sell if sell else None, 4),
            "buyVol": text(buy, 4),
            "sellVol": text(sell, 4),
            "timestamp": str(ts),
        }
        for ts, buy, sell in columns
    ]
    return Reply(cut(rows, limit, at_end))


DATA_ROUTES: dict[str, Handler] = {
    "/futures/data/openInterestHist": open_interest_history,
    "/futures/data/globalLongShortAccountRatio": _ratio("accounts"),
    "/futures/data/topLongShortAccountRatio": _ratio("large_accounts"),
    "/futures/data/topLongShortPositionRatio": _ratio("large_positions"),
    "/futures/data/takerlongshortRatio": taker_ratio,
}
