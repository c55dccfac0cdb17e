"""OKX v5 on the wire: envelope, bounds, bars and funding. Everything is newest first; bounds are exclusive."""

from collections.abc import Sequence

from warehouse.simulator.exchanges.wire import (
    DAY_MS,
    LONG_AGO_MS,
    MINUTE_MS,
    Ask,
    Handler,
    RefusedError,
    Reply,
    backward,
    column,
    find,
    plain,
    whole,
    whole_number,
)
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import FUNDING_MS, BarKind, Bars, Interval

HOUR_MS = 60 * MINUTE_MS
CHINA_MS = -8 * HOUR_MS  # days begin at 16:00 UTC unless the period says utc
SHORT = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1H": 60, "2H": 120, "4H": 240}
LONG = {"6H": 360, "12H": 720, "1D": 1440, "2D": 2880, "3D": 4320, "1W": 10_080}
ENTRIES_KEPT = 1440
MONDAY_MS = 4 * DAY_MS
FUNDING_KEPT_MS = 92 * DAY_MS


def enveloped(rows: Sequence[object]) -> Reply:
    """The envelope of a success."""
    return Reply({"code": "0", "msg": "", "data": list(rows)})


def refuse(code: str, message: str, status: int = 200) -> RefusedError:
    """An error as OKX words it; most arrive with status 200."""
    return RefusedError(Reply({"code": code, "msg": message, "data": []}, status))


def contract_of(ask: Ask) -> Instrument:
    """The swap asked for: 50014 without one, 51001 for an unknown one."""
    if not ask.get("instId"):
        raise refuse("50014", "Parameter instId can not be empty.", 400)
    found = find(ask, "okx", ask.get("instId"))
    if found is None:
        raise refuse("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return found


def number(ask: Ask, name: str) -> int | None:
    """A whole number, or None if it was not sent."""
    if not ask.get(name):
        return None
    try:
        return whole_number(ask.get(name))
    except ValueError:
        raise refuse("51000", f"Parameter {name} error") from None


def page(ask: Ask, default: int, largest: int) -> int:
    """The page asked for; more than the largest is cut to it."""
    limit = number(ask, "limit")
    if limit is not None and limit < 1:
        raise refuse("51000", "Parameter limit error")
    return min(limit or default, largest)


def period(name: str, text: str, allowed: dict[str, int]) -> Interval:
    """Bars from six hours on begin at midnight of UTC+8, unless named utc."""
    utc = text.endswith("utc")
    length = allowed.get(text.removesuffix("utc") if utc else text)
    if length is None or (utc and length < 360):
        raise refuse("51000", f"Parameter {name} error")
    week = MONDAY_MS if length == LONG["1W"] else 0
    return Interval(length * MINUTE_MS, week + (0 if utc or length < 360 else CHINA_MS))


def between(ask: Ask, older: str, newer: str) -> tuple[int, int]:
    """The range between two exclusive bounds: what is older than one parameter and newer than the other."""
    before, after = number(ask, newer), number(ask, older)
    start = LONG_AGO_MS if before is None else before + 1
    return start, ask.now_ms if after is None else min(after - 1, ask.now_ms)


def _traded(bars: Bars, contract_units: float) -> list[list[str]]:
    """Volume in contracts, in coins, and in dollars."""
    unknown: list[float | None] = [None] * len(bars.open_ms)
    volume = unknown if bars.volume is None else bars.volume.tolist()
    turnover = unknown if bars.turnover is None else bars.turnover.tolist()
    contracts = [None if units is None else units / contract_units for units in volume]
    return [[plain(value, 4) for value in column] for column in (contracts, volume, turnover)]


def _bars(kind: BarKind, largest: int, kept: bool) -> Handler:
    def answer(ask: Ask) -> Reply:
        contract = contract_of(ask)
        step = period("bar", ask.get("bar") or "1m", SHORT | LONG)
        limit = page(ask, 100, largest)
        start, end = between(ask, "after", "before")
        if kept and ask.walls:
            start = max(start, step.floor(ask.now_ms) - (ENTRIES_KEPT - 1) * step.length_ms)
        first, last = backward(ask, contract, step, start, end, limit)
        bars = ask.source.bars(contract, kind, step, first, last, ask.now_ms)
        count = len(bars.open_ms)
        columns = [[str(ts) for ts in whole(bars.open_ms)]]
        columns += [
            column(part, contract.price_decimals, count) for part in (bars.open, bars.high, bars.low, bars.close)
        ]
        if kind == "trade":
            columns += _traded(bars, contract.contract_units)
        columns.append([str(int(ts + step.length_ms <= ask.now_ms)) for ts in whole(bars.open_ms)])
        return enveloped([list(row) for row in zip(*columns, strict=True)][-limit:][::-1])

    return answer


def funding_history(ask: Ask) -> Reply:
    """Settled funding of three months."""
    contract = contract_of(ask)
    limit = page(ask, 400, 400)
    start, end = between(ask, "after", "before")
    start = max(start, ask.now_ms - FUNDING_KEPT_MS) if ask.walls else start
    first, last = backward(ask, contract, Interval(FUNDING_MS), start, end, limit)
    found = ask.source.funding(contract, first, last)
    rows = [
        {
            "formulaType": "noRate",
            "fundingRate": plain(rate, 10),
            "fundingTime": str(ts),
            "instId": contract.symbol,
            "instType": "SWAP",
            "method": "current_period",
            "realizedRate": plain(rate, 10),
        }
        for ts, rate in zip(whole(found.ts_ms), found.rate.tolist(), strict=True)
    ]
    return enveloped(rows[-limit:][::-1])


HISTORY_ROUTES: dict[str, Handler] = {
    "/api/v5/market/candles": _bars("trade", 300, kept=True),
    "/api/v5/market/history-candles": _bars("trade", 100, kept=False),
    "/api/v5/market/mark-price-candles": _bars("mark", 100, kept=True),
    "/api/v5/market/history-mark-price-candles": _bars("mark", 100, kept=False),
    "/api/v5/public/funding-rate-history": funding_history,
}
