"""Bybit v5 on the wire: envelope, bounds, cursors, open interest and account ratios. Everything is newest first."""

from urllib.parse import parse_qs, quote

from warehouse.simulator.exchanges.wire import (
    LONG_AGO_MS,
    MINUTE_MS,
    Handler,
    Query,
    RefusedError,
    Reply,
    backward,
    find,
    integers,
    parse_integer,
    plain,
    text,
)
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import Interval

OPEN_INTEREST_PERIODS = {"5min": 5, "15min": 15, "30min": 30, "1h": 60, "4h": 240, "1d": 1440}


def envelope(query: Query, result: dict[str, object], code: int = 0, message: str = "OK") -> Reply:
    """Wrap a result or an error in Bybit's envelope; the HTTP status is 200 in both cases."""
    body = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": query.now_ms}
    return Reply(body)


def refuse(query: Query, message: str, code: int = 10001) -> RefusedError:
    """Return an error in Bybit's format, by default that of an invalid parameter."""
    return RefusedError(envelope(query, {}, code, message))


def category(query: Query) -> str:
    """Return the requested product category. Refuses an unknown one."""
    if query.get("category") not in ("linear", "inverse", "spot", "option"):
        raise refuse(query, "params error: Category Invalid" if query.get("category") else "Category is required")
    return query.get("category")


def contract_of(query: Query) -> Instrument:
    """Return the requested contract. Only linear contracts are simulated; any other is refused."""
    found = find(query, "bybit", query.get("symbol")) if category(query) == "linear" else None
    if found is None:
        wrong = f"symbol invalid {query.get('symbol')}" if query.get("symbol") else "symbol required"
        raise refuse(query, f"params error: {wrong}")
    return found


def number(query: Query, name: str) -> int | None:
    """Parse an integer parameter; None if it was not sent."""
    if not query.get(name):
        return None
    try:
        return parse_integer(query.get(name))
    except ValueError:
        raise refuse(query, f"params error: {name} invalid") from None


def page(query: Query, default: int, largest: int) -> int:
    """Return the requested page size, at most `largest`."""
    limit = number(query, "limit")
    if limit is not None and limit < 1:
        raise refuse(query, "params error: limit invalid")
    return min(limit or default, largest)


def span(query: Query, start: str, end: str) -> tuple[int, int]:
    """Return the requested range. A start without an end is ignored, as on the exchange."""
    first, last = number(query, start), number(query, end)
    if first is not None and last is not None and first > last:
        raise refuse(query, f"params error: {start} later than {end}")
    upto = query.now_ms if last is None else min(last, query.now_ms)
    return (first if first is not None and last is not None else LONG_AGO_MS), upto


def _cursor_end(query: Query) -> int | None:
    """Return the end of the page that a cursor requests, in ms. Refuses an invalid or doubly encoded cursor."""
    if not query.get("cursor"):
        return None
    parts = parse_qs(query.get("cursor"))
    try:
        return int(parts["lasttime"][0]) * 1000
    except (KeyError, ValueError):
        raise refuse(query, "params error: cursor invalid") from None


def _cursor_text(end_ms: int) -> str:
    return quote(f"lastid={end_ms // 60_000}&lasttime={end_ms // 1000}", safe="")


def _page_range(query: Query, contract: Instrument, step: Interval, limit: int) -> tuple[int, int, int]:
    """Return the first and last border of this page, and the first border of the whole range."""
    start, end = span(query, "startTime", "endTime")
    after = _cursor_end(query)
    end = end if after is None else min(end, after)
    start = step.ceil(max(start, contract.launch_ms))
    first, last = backward(query, contract, step, start, end, limit)
    return first, last, start


def _history(query: Query, rows: list[dict[str, object]], step: Interval, limit: int, start: int) -> dict[str, object]:
    """Return a page, newest first, with the cursor to older rows; the cursor is empty on the last page."""
    served = rows[-limit:][::-1]
    older = int(str(served[-1]["timestamp"])) - step.length_ms if served else 0
    more = bool(served) and (older >= start if query.source.dense else len(rows) > limit)
    return {"list": served, "nextPageCursor": _cursor_text(older) if more else ""}


def open_interest(query: Query) -> Reply:
    """Serve the open interest at each bucket's time: the sum of both sides, and one side."""
    contract = contract_of(query)
    if query.get("intervalTime") not in OPEN_INTEREST_PERIODS:
        raise refuse(query, "params error: intervalTime invalid")
    step = Interval(OPEN_INTEREST_PERIODS[query.get("intervalTime")] * MINUTE_MS)
    limit = page(query, 50, 200)
    first, last, start = _page_range(query, contract, step, limit)
    found = query.source.open_interest(contract, step, first, last)
    places = contract.unit_decimals
    rows: list[dict[str, object]] = [
        {"openInterest": text(2.0 * one, places), "singleOpenInterest": single(one, places), "timestamp": str(ts)}
        for ts, one in zip(integers(found.ts_ms), found.units.tolist(), strict=True)
    ]
    history = _history(query, rows, step, limit, start)
    return envelope(query, {"symbol": contract.symbol, "category": "linear", **history})


def single(one_side: float, places: int) -> str:
    """Return one side with one decimal more than the sum of both, so that it is exactly half of the sum."""
    return plain(one_side, places + 1)


def account_ratio(query: Query) -> Reply:
    """Serve the shares of long and of short accounts."""
    contract = contract_of(query)
    if query.get("period") not in OPEN_INTEREST_PERIODS:
        raise refuse(query, "params error: period invalid")
    step = Interval(OPEN_INTEREST_PERIODS[query.get("period")] * MINUTE_MS)
    limit = page(query, 50, 500)
    first, last, start = _page_range(query, contract, step, limit)
    found = query.source.shares(contract, "accounts", step, first, last)
    rows: list[dict[str, object]] = [
        {
            "symbol": contract.symbol,
            "buyRatio": text(round(long, 4), 4),
            "sellRatio": text(1.0 - round(long, 4), 4),
            "timestamp": str(ts),
        }
        for ts, long in zip(integers(found.ts_ms), found.long.tolist(), strict=True)
    ]
    return envelope(query, _history(query, rows, step, limit, start))


HISTORY_ROUTES: dict[str, Handler] = {
    "/v5/market/open-interest": open_interest,
    "/v5/market/account-ratio": account_ratio,
}
