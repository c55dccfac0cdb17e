"""OKX v5 on the wire: envelope, bounds, bars and funding. Everything is newest first; bounds are exclusive."""

from collections.abc import Sequence

from warehouse.simulator.exchanges.wire import (
    DAY_MS,
    LONG_AGO_MS,
    MINUTE_MS,
    Handler,
    Query,
    RefusedError,
    Reply,
    backward,
    column,
    find,
    integers,
    parse_integer,
    plain,
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


def envelope(rows: Sequence[object]) -> Reply:
    """Wrap rows in OKX's envelope of a success."""
    return Reply({"code": "0", "msg": "", "data": list(rows)})


def refuse(code: str, message: str, status: int = 200) -> RefusedError:
    """Return an error in OKX's format; most have HTTP status 200."""
    return RefusedError(Reply({"code": code, "msg": message, "data": []}, status))


def contract_of(query: Query) -> Instrument:
    """Return the requested swap. Refuses with 50014 if none is named, 51001 for an unknown one."""
    if not query.get("instId"):
        raise refuse("50014", "Parameter instId can not be empty.", 400)
    found = find(query, "okx", query.get("instId"))
    if found is None:
        raise refuse("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return found


def number(query: Query, name: str) -> int | None:
    """Parse an integer parameter; None if it was not sent."""
    if not query.get(name):
        return None
    try:
        return parse_integer(query.get(name))
    except ValueError:
        raise refuse("51000", f"Parameter {name} error") from None


def page(query: Query, default: int, largest: int) -> int:
    """Return the requested page size, at most `largest`."""
    limit = number(query, "limit")
    if limit is not None and limit < 1:
        raise refuse("51000", "Parameter limit error")
    return min(limit or default, largest)


def period(name: str, text: str, allowed: dict[str, int]) -> Interval:
    """Parse a bar length. Bars of six hours or more start at midnight UTC+8, unless the name ends in utc."""
    utc = text.endswith("utc")
    length = allowed.get(text.removesuffix("utc") if utc else text)
    if length is None or (utc and length < 360):
        raise refuse("51000", f"Parameter {name} error")
    week = MONDAY_MS if length == LONG["1W"] else 0
    return Interval(length * MINUTE_MS, week + (0 if utc or length < 360 else CHINA_MS))


def between(query: Query, older: str, newer: str) -> tuple[int, int]:
    """Return the range older than one parameter and newer than the other; both bounds are exclusive."""
    before, after = number(query, newer), number(query, older)
    start = LONG_AGO_MS if before is None else before + 1
    return start, query.now_ms if after is None else min(after - 1, query.now_ms)


def _volumes(bars: Bars, contract_units: float) -> list[list[str]]:
    """Return the volume in contracts, in coins and in dollars."""
    unknown: list[float | None] = [None] * len(bars.open_ms)
    volume = unknown if bars.volume is None else bars.volume.tolist()
    turnover = unknown if bars.turnover is None else bars.turnover.tolist()
    contracts = [None if units is None else units / contract_units for units in volume]
    return [[plain(value, 4) for value in column] for column in (contracts, volume, turnover)]


def _bars(kind: BarKind, largest: int, limited: bool) -> Handler:
    def answer(query: Query) -> Reply:
        contract = contract_of(query)
        step = period("bar", query.get("bar") or "1m", SHORT | LONG)
        limit = page(query, 100, largest)
        start, end = between(query, "after", "before")
        if limited and query.history_limits:
            start = max(start, step.floor(query.now_ms) - (ENTRIES_KEPT - 1) * step.length_ms)
        first, last = backward(query, contract, step, start, end, limit)
        bars = query.source.bars(contract, kind, step, first, last, query.now_ms)
        count = len(bars.open_ms)
        columns = [[str(ts) for ts in integers(bars.open_ms)]]
        columns += [
            column(part, contract.price_decimals, count) for part in (bars.open, bars.high, bars.low, bars.close)
        ]
        if kind == "trade":
            columns += _volumes(bars, contract.contract_units)
        columns.append([str(int(ts + step.length_ms <= query.now_ms)) for ts in integers(bars.open_ms)])
        return envelope([list(row) for row in zip(*columns, strict=True)][-limit:][::-1])

    return answer


def funding_history(query: Query) -> Reply:
    """Serve the settled funding of the last three months."""
    contract = contract_of(query)
    limit = page(query, 400, 400)
    start, end = between(query, "after", "before")
    start = max(start, query.now_ms - FUNDING_KEPT_MS) if query.history_limits else start
    first, last = backward(query, contract, Interval(FUNDING_MS), start, end, limit)
    found = query.source.funding(contract, first, last)
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
        for ts, rate in zip(integers(found.ts_ms), found.rate.tolist(), strict=True)
    ]
    return envelope(rows[-limit:][::-1])


HISTORY_ROUTES: dict[str, Handler] = {
    "/api/v5/market/candles": _bars("trade", 300, limited=True),
    "/api/v5/market/history-candles": _bars("trade", 100, limited=False),
    "/api/v5/market/mark-price-candles": _bars("mark", 100, limited=True),
    "/api/v5/market/history-mark-price-candles": _bars("mark", 100, limited=False),
    "/api/v5/public/funding-rate-history": funding_history,
}
