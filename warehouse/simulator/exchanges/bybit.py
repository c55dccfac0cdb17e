"""Bybit v5 on the wire: envelope, bounds, cursors, open interest and account ratios. Everything is newest first."""

from urllib.parse import parse_qs, quote

from warehouse.simulator.exchanges.wire import (
    LONG_AGO_MS,
    MINUTE_MS,
    Ask,
    Handler,
    RefusedError,
    Reply,
    backward,
    find,
    plain,
    text,
    whole,
    whole_number,
)
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import Interval

OPEN_INTEREST_PERIODS = {"5min": 5, "15min": 15, "30min": 30, "1h": 60, "4h": 240, "1d": 1440}


def enveloped(ask: Ask, result: dict[str, object], code: int = 0, message: str = "OK") -> Reply:
    """The envelope; errors arrive with status 200 too."""
    body = {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": ask.now_ms}
    return Reply(body)


def refuse(ask: Ask, message: str, code: int = 10001) -> RefusedError:
    """A refused parameter."""
    return RefusedError(enveloped(ask, {}, code, message))


def category(ask: Ask) -> str:
    """The product asked for."""
    if ask.get("category") not in ("linear", "inverse", "spot", "option"):
        raise refuse(ask, "params error: Category Invalid" if ask.get("category") else "Category is required")
    return ask.get("category")


def contract_of(ask: Ask) -> Instrument:
    """The contract asked for. Only linear contracts are traded here."""
    found = find(ask, "bybit", ask.get("symbol")) if category(ask) == "linear" else None
    if found is None:
        wrong = f"symbol invalid {ask.get('symbol')}" if ask.get("symbol") else "symbol required"
        raise refuse(ask, f"params error: {wrong}")
    return found


def number(ask: Ask, name: str) -> int | None:
    """A whole number, or None if it was not sent."""
    if not ask.get(name):
        return None
    try:
        return whole_number(ask.get(name))
    except ValueError:
        raise refuse(ask, f"params error: {name} invalid") from None


def page(ask: Ask, default: int, largest: int) -> int:
    """The page asked for; more than the largest is cut to it."""
    limit = number(ask, "limit")
    if limit is not None and limit < 1:
        raise refuse(ask, "params error: limit invalid")
    return min(limit or default, largest)


def span(ask: Ask, start: str, end: str) -> tuple[int, int]:
    """The range asked for. A start without an end is ignored, as the exchange ignores it."""
    first, last = number(ask, start), number(ask, end)
    if first is not None and last is not None and first > last:
        raise refuse(ask, f"params error: {start} later than {end}")
    upto = ask.now_ms if last is None else min(last, ask.now_ms)
    return (first if first is not None and last is not None else LONG_AGO_MS), upto


def _cursor_end(ask: Ask) -> int | None:
    """Where the page before left off, in ms; a cursor that was encoded twice is not understood."""
    if not ask.get("cursor"):
        return None
    parts = parse_qs(ask.get("cursor"))
    try:
        return int(parts["lasttime"][0]) * 1000
    except (KeyError, ValueError):
        raise refuse(ask, "params error: cursor invalid") from None


def _cursor_text(left_ms: int) -> str:
    return quote(f"lastid={left_ms // 60_000}&lasttime={left_ms // 1000}", safe="")


def _paged(ask: Ask, contract: Instrument, step: Interval, limit: int) -> tuple[int, int, int]:
    """First and last border of this page, and the first border of the whole range."""
    start, end = span(ask, "startTime", "endTime")
    after = _cursor_end(ask)
    end = end if after is None else min(end, after)
    start = step.ceil(max(start, contract.launch_ms))
    first, last = backward(ask, contract, step, start, end, limit)
    return first, last, start


def _history(ask: Ask, rows: list[dict[str, object]], step: Interval, limit: int, start: int) -> dict[str, object]:
    """A page, newest first, and the cursor to what is older; no cursor at the end."""
    served = rows[-limit:][::-1]
    older = int(str(served[-1]["timestamp"])) - step.length_ms if served else 0
    more = bool(served) and (older >= start if ask.source.dense else len(rows) > limit)
    return {"list": served, "nextPageCursor": _cursor_text(older) if more else ""}


def open_interest(ask: Ask) -> Reply:
    """Open interest at each bucket's time: both sides added up, and one side."""
    contract = contract_of(ask)
    if ask.get("intervalTime") not in OPEN_INTEREST_PERIODS:
        raise refuse(ask, "params error: intervalTime invalid")
    step = Interval(OPEN_INTEREST_PERIODS[ask.get("intervalTime")] * MINUTE_MS)
    limit = page(ask, 50, 200)
    first, last, start = _paged(ask, contract, step, limit)
    found = ask.source.open_interest(contract, step, first, last)
    places = contract.unit_decimals
    rows: list[dict[str, object]] = [
        {"openInterest": text(2.0 * one, places), "singleOpenInterest": single(one, places), "timestamp": str(ts)}
        for ts, one in zip(whole(found.ts_ms), found.units.tolist(), strict=True)
    ]
    return enveloped(ask, {"symbol": contract.symbol, "category": "linear", **_history(ask, rows, step, limit, start)})


def single(one_side: float, places: int) -> str:
    """One side, with one decimal more than the sum of both, so that it is half of it exactly."""
    return plain(one_side, places + 1)


def account_ratio(ask: Ask) -> Reply:
    """Share of accounts that are long, and short."""
    contract = contract_of(ask)
    if ask.get("period") not in OPEN_INTEREST_PERIODS:
        raise refuse(ask, "params error: period invalid")
    step = Interval(OPEN_INTEREST_PERIODS[ask.get("period")] * MINUTE_MS)
    limit = page(ask, 50, 500)
    first, last, start = _paged(ask, contract, step, limit)
    found = ask.source.shares(contract, "accounts", step, first, last)
    rows: list[dict[str, object]] = [
        {
            "symbol": contract.symbol,
            "buyRatio": text(round(long, 4), 4),
            "sellRatio": text(1.0 - round(long, 4), 4),
            "timestamp": str(ts),
        }
        for ts, long in zip(whole(found.ts_ms), found.long.tolist(), strict=True)
    ]
    return enveloped(ask, _history(ask, rows, step, limit, start))


HISTORY_ROUTES: dict[str, Handler] = {
    "/v5/market/open-interest": open_interest,
    "/v5/market/account-ratio": account_ratio,
}
