"""Binance USD-M on the wire: prices, current open interest, metadata and tiers. History ratios: `binance_data`."""

from warehouse.simulator.exchanges.wire import (
    LONG_AGO_MS,
    MINUTE_MS,
    Handler,
    Query,
    RefusedError,
    Reply,
    backward,
    column,
    find,
    forward,
    integers,
    parse_integer,
    text,
)
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import FUNDING_MS, BarKind, Bars, Interval

HOUR_MS = 60 * MINUTE_MS
INTERVALS = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480,
    "12h": 720, "1d": 1440, "3d": 4320, "1w": 10_080,
}  # fmt: skip
MONDAY_MS = 4 * 24 * HOUR_MS
KLINE_PAGE = (500, 1500)
FUNDING_PAGE = (100, 1000)


def refuse(code: int, message: str, status: int = 400) -> RefusedError:
    """Return an error in Binance's format."""
    return RefusedError(Reply({"code": code, "msg": message}, status))


def contract_of(query: Query, name: str = "symbol") -> Instrument:
    """Return the requested contract. Refuses with -1102 if none is named, -1121 for an unknown one."""
    if not query.get(name):
        raise refuse(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    found = find(query, "binance", query.get(name).upper())
    if found is None:
        raise refuse(-1121, "Invalid symbol.")
    return found


def number(query: Query, name: str) -> int | None:
    """Parse an integer parameter; None if it was not sent."""
    if not query.get(name):
        return None
    try:
        return parse_integer(query.get(name))
    except ValueError:
        raise refuse(-1130, f"parameter '{name}' is invalid.") from None


def page(query: Query, sizes: tuple[int, int]) -> int:
    """Return the requested page size. Refuses more than the maximum; `sizes` is the default and the maximum."""
    limit = number(query, "limit")
    if limit is not None and not 1 <= limit <= sizes[1]:
        raise refuse(-1130, "parameter 'limit' is invalid.")
    return limit or sizes[0]


def span(query: Query, contract: Instrument, step: Interval, limit: int) -> tuple[int, int, bool]:
    """Return the first and last border to serve, and whether the page is cut at its end (else at its start)."""
    start, end = number(query, "startTime"), number(query, "endTime")
    if start is not None and end is not None and start > end:
        raise refuse(-1023, "Start time is greater than end time.")
    last = query.now_ms if end is None else min(end, query.now_ms)
    if start is None:
        return (*backward(query, contract, step, LONG_AGO_MS, last, limit), False)
    return (*forward(query, contract, step, start, last, limit), True)


def cut(rows: list[list[object]] | list[dict[str, object]], limit: int, at_end: bool) -> list[object]:
    """Return one page of rows sorted oldest first."""
    return list(rows[:limit] if at_end else rows[-limit:])


def _klines(kind: BarKind, name: str = "symbol") -> Handler:
    def answer(query: Query) -> Reply:
        contract = contract_of(query, name)
        if kind == "trade" and name == "pair" and query.get("contractType") != "PERPETUAL":
            raise refuse(-1102, "Mandatory parameter 'contractType' was not sent, was empty/null, or malformed.")
        if query.get("interval") not in INTERVALS:
            raise refuse(-1120, "Invalid interval.")
        length = INTERVALS[query.get("interval")] * MINUTE_MS
        step = Interval(length, MONDAY_MS if query.get("interval") == "1w" else 0)
        limit = page(query, KLINE_PAGE)
        first, last, at_end = span(query, contract, step, limit)
        bars = query.source.bars(contract, kind, step, first, last, query.now_ms)
        places = contract.price_decimals if kind == "trade" else 8
        return Reply(cut(kline_rows(bars, places, contract.unit_decimals, length, kind == "trade"), limit, at_end))

    return answer


def kline_rows(bars: Bars, places: int, unit_places: int, length: int, traded: bool) -> list[list[object]]:
    """Return bars in the columns of a kline."""
    count = len(bars.open_ms)
    prices = [column(part, places, count) for part in (bars.open, bars.high, bars.low, bars.close)]
    zeros = ["0"] * count
    if not traded:
        rest: list[list[object]] = [[*zeros], [*zeros], [60] * count, [*zeros], [*zeros]]
        volume, turnover, trades, bought, paid = rest
    else:
        mean = (bars.open + bars.high + bars.low + bars.close) / 4.0
        volume = [*column(bars.volume, unit_places, count)]
        turnover = [*column(bars.turnover, 4, count)]
        trades = [*(integers(bars.trades) if bars.trades is not None else [0] * count)]
        bought = [*column(bars.taker_buy, unit_places, count)]
        paid = [*column(None if bars.taker_buy is None else bars.taker_buy * mean, 4, count)]
    opened = integers(bars.open_ms)
    closed = [start + length - 1 for start in opened]
    return [
        list(row) for row in zip(opened, *prices, volume, closed, turnover, trades, bought, paid, zeros, strict=True)
    ]


def open_interest(query: Query) -> Reply:
    """Serve the current open interest; ``time`` is the time of the snapshot."""
    contract = contract_of(query)
    now = query.source.open_interest_now(contract, query.now_ms)
    if not len(now.ts_ms):
        raise refuse(-4108, "Symbol is on delivering or delivered or settling or closed or pre-trading.")
    units = text(float(now.units[0]), contract.unit_decimals)
    return Reply({"openInterest": units, "symbol": contract.symbol, "time": int(now.ts_ms[0])})


def _premium(query: Query, contract: Instrument) -> dict[str, object]:
    quote = query.source.quote(contract, query.now_ms)
    return {
        "symbol": contract.symbol,
        "markPrice": text(quote.mark, 8),
        "indexPrice": text(quote.index, 8),
        "estimatedSettlePrice": text(quote.index, 8),
        "lastFundingRate": text(quote.funding_rate, 8),
        "interestRate": "0.00010000",
        "nextFundingTime": Interval(FUNDING_MS).floor(query.now_ms) + FUNDING_MS,
        "time": quote.ts_ms,
    }


def premium_index(query: Query) -> Reply:
    """Serve the current mark, index and funding rate; without a symbol, of all contracts."""
    if query.get("symbol"):
        return Reply(_premium(query, contract_of(query)))
    return Reply([_premium(query, each) for each in query.source.instruments("binance")])


def funding_rate(query: Query) -> Reply:
    """Serve settled funding, oldest first. ``startTime=0`` gives the latest record, as on the exchange."""
    limit = page(query, FUNDING_PAGE)
    chosen = [contract_of(query)] if query.get("symbol") else list(query.source.instruments("binance"))
    rows: list[dict[str, object]] = []
    at_end = False
    for contract in chosen:
        first, last, at_end = span(query, contract, Interval(FUNDING_MS), limit)
        if number(query, "startTime") == 0:
            first, last, at_end = query.now_ms - FUNDING_MS + 1, query.now_ms, False
        settled = query.source.funding(contract, first, last)
        for ts, rate, mark in zip(integers(settled.ts_ms), settled.rate.tolist(), settled.mark.tolist(), strict=True):
            stamped = min(ts + ts // FUNDING_MS % 3, query.now_ms)  # the exchange's timestamps are up to 2 ms late
            row = {"symbol": contract.symbol, "fundingRate": text(rate, 8), "fundingTime": stamped}
            rows.append(row | {"markPrice": text(mark, 8), "rateType": "Regular"})
    return Reply(cut(sorted(rows, key=lambda row: str(row["fundingTime"])), limit, at_end))


PRICE_ROUTES: dict[str, Handler] = {
    "/fapi/v1/openInterest": open_interest,
    "/fapi/v1/premiumIndex": premium_index,
    "/fapi/v1/fundingRate": funding_rate,
    "/fapi/v1/klines": _klines("trade"),
    "/fapi/v1/continuousKlines": _klines("trade", "pair"),
    "/fapi/v1/markPriceKlines": _klines("mark"),
    "/fapi/v1/indexPriceKlines": _klines("index", "pair"),
    "/fapi/v1/premiumIndexKlines": _klines("premium"),
}
