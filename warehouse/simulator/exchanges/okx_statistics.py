"""OKX v5 on the wire: the statistics of /rubik, labelled with the opening of each period and known at its end."""

from collections.abc import Callable

from warehouse.simulator.exchanges.okx import (
    ENTRIES_KEPT,
    LONG,
    SHORT,
    between,
    contract_of,
    envelope,
    page,
    period,
    refuse,
)
from warehouse.simulator.exchanges.wire import DAY_MS, Handler, Query, Reply, backward, find, integers, plain
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import Crowd, Interval

PERIODS = {name: minutes for name, minutes in (SHORT | LONG).items() if minutes >= 5}
Rows = Callable[[Query, Instrument, Interval, int, int], list[list[str]]]


def _statistics(rows_of: Rows) -> Handler:
    """Return a handler of a /rubik series of at most 1,440 entries."""

    def answer(query: Query) -> Reply:
        contract = contract_of(query)
        step = period("period", query.get("period") or "5m", PERIODS)
        limit = page(query, 100, 100)
        start, end = between(query, "end", "begin")
        end = min(end, query.now_ms - step.length_ms)
        if query.history_limits:
            start = max(start, step.floor(query.now_ms) - ENTRIES_KEPT * step.length_ms)
        first, last = backward(query, contract, step, start, end, limit)
        # one period later: the source labels rows with the end of the period
        rows = rows_of(query, contract, step, first + step.length_ms, last + step.length_ms)
        return envelope(rows[-limit:][::-1])

    return answer


def _open_interest(query: Query, contract: Instrument, step: Interval, first: int, last: int) -> list[list[str]]:
    found = query.source.open_interest(contract, step, first, last)
    columns = zip(integers(found.ts_ms), found.units.tolist(), found.price.tolist(), strict=True)
    return [
        [str(ts - step.length_ms), plain(units / contract.contract_units, 4), plain(units, 8), plain(units * price, 2)]
        for ts, units, price in columns
    ]


def _ratio(crowd: Crowd) -> Rows:
    def rows(query: Query, contract: Instrument, step: Interval, first: int, last: int) -> list[list[str]]:
        found = query.source.shares(contract, crowd, step, first, last)
        pairs = zip(integers(found.ts_ms), found.long.tolist(), strict=True)
        return [[str(ts - step.length_ms), plain(long / (1.0 - long), 4)] for ts, long in pairs]

    return rows


def _taker_volume(query: Query, contract: Instrument, step: Interval, first: int, last: int) -> list[list[str]]:
    """Return rows of sells, then buys: in contracts, or with ``unit`` in coins (0) or dollars (2)."""
    unit = query.get("unit") or "1"
    if unit not in ("0", "1", "2"):
        raise refuse("51000", "Parameter unit error")
    found = query.source.flow(contract, step, first, last)
    rows = []
    for ts, buy, sell, price in zip(
        integers(found.end_ms), found.buy.tolist(), found.sell.tolist(), found.price.tolist(), strict=True
    ):
        scale = {"0": 1.0, "1": 1.0 / contract.contract_units, "2": price}[unit]
        rows.append([str(ts - step.length_ms), plain(sell * scale, 4), plain(buy * scale, 4)])
    return rows


def open_interest_volume(query: Query) -> Reply:
    """Serve the open interest and volume of a coin in dollars: 5m for two days, 1H for thirty, 1D for 180."""
    max_days = {"5m": 2, "1H": 30, "1D": 180}
    name = query.get("period") or "5m"
    if name not in max_days:
        raise refuse("51000", "Parameter period error")
    contract = find(query, "okx", f"{query.get('ccy')}-USDT-SWAP")
    if contract is None:
        raise refuse("51000", "Parameter ccy error")
    step = period("period", name, SHORT | LONG)
    start, end = between(query, "end", "begin")
    end = min(end, query.now_ms - step.length_ms)
    start = max(start, query.now_ms - max_days[name] * DAY_MS, contract.launch_ms)
    first, last = step.ceil(start) + step.length_ms, end + step.length_ms
    interest = query.source.open_interest(contract, step, first, last)
    flow = query.source.flow(contract, step, first, last)
    value = dict(zip(integers(flow.end_ms), ((flow.buy + flow.sell) * flow.price).tolist(), strict=True))
    rows = [
        [str(ts - step.length_ms), plain(units * price, 2), plain(value.get(ts), 2)]
        for ts, units, price in zip(
            integers(interest.ts_ms), interest.units.tolist(), interest.price.tolist(), strict=True
        )
    ]
    return envelope(rows[::-1])


_RUBIK = "/api/v5/rubik/stat/contracts"
STATISTICS_ROUTES: dict[str, Handler] = {
    f"{_RUBIK}/open-interest-history": _statistics(_open_interest),
    f"{_RUBIK}/open-interest-volume": open_interest_volume,
    f"{_RUBIK}/long-short-account-ratio-contract": _statistics(_ratio("accounts")),
    f"{_RUBIK}/long-short-account-ratio-contract-top-trader": _statistics(_ratio("large_accounts")),
    f"{_RUBIK}/long-short-position-ratio-contract-top-trader": _statistics(_ratio("large_positions")),
    "/api/v5/rubik/stat/taker-volume-contract": _statistics(_taker_volume),
}
