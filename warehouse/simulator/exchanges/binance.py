"""Binance USD-M on the wire: prices, current open interest, metadata and tiers. History ratios: `binance_data`."""

from warehouse.simulator.exchanges.wire import (
    LONG_AGO_MS,
    MINUTE_MS,
    Ask,
    Handler,
    RefusedError,
    Reply,
    backward,
    column,
    find,
    forward,
    text,
    whole,
    whole_number,
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
    """An error as Binance words it."""
    return RefusedError(Reply({"code": code, "msg": message}, status))


def contract_of(ask: Ask, name: str = "symbol") -> Instrument:
    """The contract asked for; -1102 without one, -1121 for an unknown one."""
    if not ask.get(name):
        raise refuse(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    found = find(ask, "binance", ask.get(name).upper())
    if found is None:
        raise refuse(-1121, "Invalid symbol.")
    return found


def number(ask: Ask, name: str) -> int | None:
    """A whole number, or None if it was not sent."""
    if not ask.get(name):
        return None
    try:
        return whole_number(ask.get(name))
    except ValueError:
        raise refuse(-1130, f"parameter '{name}' is invalid.") from None


def page(ask: Ask, sizes: tuple[int, int]) -> int:
    """The page asked for; more than the largest is refused, not cut."""
    limit = number(ask, "limit")
    if limit is not None and not 1 <= limit <= sizes[1]:
        raise refuse(-1130, "parameter 'limit' is invalid.")
    return limit or sizes[0]


def span(ask: Ask, contract: Instrument, step: Interval, limit: int) -> tuple[int, int, bool]:
    """First and last border to serve, and whether the page is cut at its end (else at its beginning)."""
    start, end = number(ask, "startTime"), number(ask, "endTime")
    if start is not None and end is not None and start > end:
        raise refuse(-1023, "Start time is greater than end time.")
    last = ask.now_ms if end is None else min(end, ask.now_ms)
    if start is None:
        return (*backward(ask, contract, step, LONG_AGO_MS, last, limit), False)
    return (*forward(ask, contract, step, start, last, limit), True)


def cut(rows: list[list[object]] | list[dict[str, object]], limit: int, at_end: bool) -> list[object]:
    """One page of rows that are oldest first."""
    return list(rows[:limit] if at_end else rows[-limit:])


def _klines(kind: BarKind, name: str = "symbol") -> Handler:
    def answer(ask: Ask) -> Reply:
        contract = contract_of(ask, name)
        if kind == "trade" and name == "pair" and ask.get("contractType") != "PERPETUAL":
            raise refuse(-1102, "Mandatory parameter 'contractType' was not sent, was empty/null, or malformed.")
        if ask.get("interval") not in INTERVALS:
            raise refuse(-1120, "Invalid interval.")
        length = INTERVALS[ask.get("interval")] * MINUTE_MS
        step = Interval(length, MONDAY_MS if ask.get("interval") == "1w" else 0)
        limit = page(ask, KLINE_PAGE)
        first, last, at_end = span(ask, contract, step, limit)
        bars = ask.source.bars(contract, kind, step, first, last, ask.now_ms)
        places = contract.price_decimals if kind == "trade" else 8
        return Reply(cut(kline_rows(bars, places, contract.unit_decimals, length, kind == "trade"), limit, at_end))

    return answer


def kline_rows(bars: Bars, places: int, unit_places: int, length: int, traded: bool) -> list[list[object]]:
    """Bars in the columns of a kline."""
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
        trades = [*(whole(bars.trades) if bars.trades is not None else [0] * count)]
        bought = [*column(bars.taker_buy, unit_places, count)]
        paid = [*column(None if bars.taker_buy is None else bars.taker_buy * mean, 4, count)]
    opened = whole(bars.open_ms)
    closed = [start + length - 1 for start in opened]
    return [
        list(row) for row in zip(opened, *prices, volume, closed, turnover, trades, bought, paid, zeros, strict=True)
    ]


def open_interest(ask: Ask) -> Reply:
    """Open interest now; ``time`` is that of the snapshot."""
    contract = contract_of(ask)
    now = ask.source.open_interest_now(contract, ask.now_ms)
    if not len(now.ts_ms):
        raise refuse(-4108, "Symbol is on delivering or delivered or settling or closed or pre-trading.")
    units = text(float(now.units[0]), contract.unit_decimals)
    return Reply({"openInterest": units, "symbol": contract.symbol, "time": int(now.ts_ms[0])})


def _premium(ask: Ask, contract: Instrument) -> dict[str, object]:
    quote = ask.source.quote(contract, ask.now_ms)
    return {
        "symbol": contract.symbol,
        "markPrice": text(quote.mark, 8),
        "indexPrice": text(quote.index, 8),
        "estimatedSettlePrice": text(quote.index, 8),
        "lastFundingRate": text(quote.funding_rate, 8),
        "interestRate": "0.00010000",
        "nextFundingTime": Interval(FUNDING_MS).floor(ask.now_ms) + FUNDING_MS,
        "time": quote.ts_ms,
    }


def premium_index(ask: Ask) -> Reply:
    """Mark, index and funding rate now; of all contracts without a symbol."""
    if ask.get("symbol"):
        return Reply(_premium(ask, contract_of(ask)))
    return Reply([_premium(ask, each) for each in ask.source.instruments("binance")])


def funding_rate(ask: Ask) -> Reply:
    """Settled funding, oldest first. ``startTime=0`` gives the latest record, as the exchange does."""
    limit = page(ask, FUNDING_PAGE)
    chosen = [contract_of(ask)] if ask.get("symbol") else list(ask.source.instruments("binance"))
    rows: list[dict[str, object]] = []
    at_end = False
    for contract in chosen:
        first, last, at_end = span(ask, contract, Interval(FUNDING_MS), limit)
        if number(ask, "startTime") == 0:
            first, last, at_end = ask.now_ms - FUNDING_MS + 1, ask.now_ms, False
        settled = ask.source.funding(contract, first, last)
        for ts, rate, mark in zip(whole(settled.ts_ms), settled.rate.tolist(), settled.mark.tolist(), strict=True):
            stamped = min(ts + ts // FUNDING_MS % 3, ask.now_ms)  # recorded stamps are up to 2 ms late
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
