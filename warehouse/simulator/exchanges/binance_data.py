"""Binance USD-M on the wire: the statistics of /futures/data, with their wall of thirty days."""

from warehouse.simulator.exchanges.binance import contract_of, cut, number, page, refuse, span
from warehouse.simulator.exchanges.wire import DAY_MS, MINUTE_MS, Ask, Handler, Reply, text, whole
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import Crowd, Interval

PERIODS = {"5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "12h": 720, "1d": 1440}
PAGE = (30, 500)
# A request for exactly thirty days ago is answered: the wall leaves the time that a request takes.
WALL_MS = 30 * DAY_MS + MINUTE_MS


def _asked(ask: Ask) -> tuple[Instrument, Interval, int, tuple[int, int, bool]]:
    contract = contract_of(ask)
    if ask.get("period") not in PERIODS:
        raise refuse(-1130, "parameter 'period' is invalid.")
    step = Interval(PERIODS[ask.get("period")] * MINUTE_MS)
    limit = page(ask, PAGE)
    for name in ("startTime", "endTime"):
        at = number(ask, name)
        if ask.walls and at is not None and at < ask.now_ms - WALL_MS:
            raise refuse(-1130, f"parameter '{name}' is invalid.")
    first, last, at_end = span(ask, contract, step, limit)
    if ask.walls:
        first = max(first, ask.now_ms - WALL_MS)
    return contract, step, limit, (first, last, at_end)


def open_interest_history(ask: Ask) -> Reply:
    """Open interest at the end of each period; the value is in USDT at the mark."""
    contract, step, limit, (first, last, at_end) = _asked(ask)
    found = ask.source.open_interest(contract, step, first, last)
    rows: list[dict[str, object]] = [
        {
            "symbol": contract.symbol,
            "sumOpenInterest": text(units, 8),
            "sumOpenInterestValue": text(units * price, 8),
            "CMCCirculatingSupply": "0.00000000",
            "timestamp": ts,
        }
        for ts, units, price in zip(whole(found.ts_ms), found.units.tolist(), found.price.tolist(), strict=True)
    ]
    return Reply(cut(rows, limit, at_end))


def _ratio(crowd: Crowd) -> Handler:
    def answer(ask: Ask) -> Reply:
        contract, step, limit, (first, last, at_end) = _asked(ask)
        found = ask.source.shares(contract, crowd, step, first, last)
        rows: list[dict[str, object]] = [
            {
                "symbol": contract.symbol,
                "longShortRatio": text(long / (1.0 - long), 4),
                "longAccount": text(long, 4),
                "shortAccount": text(1.0 - long, 4),
                "timestamp": str(ts),
            }
            for ts, long in zip(whole(found.ts_ms), found.long.tolist(), strict=True)
        ]
        return Reply(cut(rows, limit, at_end))

    return answer


def taker_ratio(ask: Ask) -> Reply:
    """Taker volume of the period that ends at each timestamp, in native units."""
    contract, step, limit, (first, last, at_end) = _asked(ask)
    found = ask.source.flow(contract, step, first, last)
    columns = zip(whole(found.end_ms), found.buy.tolist(), found.sell.tolist(), strict=True)
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
