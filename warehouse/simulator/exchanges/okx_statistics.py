"""OKX v5 on the wire: the statistics of /rubik, labelled with the opening of each period and known at its end."""

from collections.abc import Callable

from warehouse.simulator.exchanges.okx import (
    ENTRIES_KEPT,
    LONG,
    SHORT,
    between,
    contract_of,
    enveloped,
    page,
    period,
    refuse,
)
from warehouse.simulator.exchanges.wire import DAY_MS, Ask, Handler, Reply, backward, find, plain, whole
from warehouse.simulator.market.listing import Instrument
from warehouse.simulator.market.source import Crowd, Interval

PERIODS = {name: minutes for name, minutes in (SHORT | LONG).items() if minutes >= 5}
Rows = Callable[[Ask, Instrument, Interval, int, int], list[list[str]]]


def _statistics(rows_of: Rows) -> Handler:
    """A rubik series: labelled with the opening of each period, known at its end, 1,440 entries deep."""

    def answer(ask: Ask) -> Reply:
        contract = contract_of(ask)
        step = period("period", ask.get("period") or "5m", PERIODS)
        limit = page(ask, 100, 100)
        start, end = between(ask, "end", "begin")
        end = min(end, ask.now_ms - step.length_ms)
        if ask.walls:
            start = max(start, step.floor(ask.now_ms) - ENTRIES_KEPT * step.length_ms)
        first, last = backward(ask, contract, step, start, end, limit)
        # one length later: the source labels with the end of the period
        rows = rows_of(ask, contract, step, first + step.length_ms, last + step.length_ms)
        return enveloped(rows[-limit:][::-1])

    return answer


def _open_interest(ask: Ask, contract: Instrument, step: Interval, first: int, last: int) -> list[list[str]]:
    found = ask.source.open_interest(contract, step, first, last)
    columns = zip(whole(found.ts_ms), found.units.tolist(), found.price.tolist(), strict=True)
    return [
        [str(ts - step.length_ms), plain(units / contract.contract_units, 4), plain(units, 8), plain(units * price, 2)]
        for ts, units, price in columns
    ]


def _ratio(crowd: Crowd) -> Rows:
    def rows(ask: Ask, contract: Instrument, step: Interval, first: int, last: int) -> list[list[str]]:
        found = ask.source.shares(contract, crowd, step, first, last)
        pairs = zip(whole(found.ts_ms), found.long.tolist(), strict=True)
        return [[str(ts - step.length_ms), plain(long / (1.0 - long), 4)] for ts, long in pairs]

    return rows


def _taker_volume(ask: Ask, contract: Instrument, step: Interval, first: int, last: int) -> list[list[str]]:
    """Sells come first. Contracts, unless ``unit`` asks for coins (0) or dollars (2)."""
    unit = ask.get("unit") or "1"
    if unit not in ("0", "1", "2"):
        raise refuse("51000", "Parameter unit error")
    found = ask.source.flow(contract, step, first, last)
    rows = []
    for ts, buy, sell, price in zip(
        whole(found.end_ms), found.buy.tolist(), found.sell.tolist(), found.price.tolist(), strict=True
    ):
        scale = {"0": 1.0, "1": 1.0 / contract.contract_units, "2": price}[unit]
        rows.append([str(ts - step.length_ms), plain(sell * scale, 4), plain(buy * scale, 4)])
    return rows


def open_interest_volume(ask: Ask) -> Reply:
    """Open interest and volume of a coin in dollars: 5m for two days, 1H for thirty, 1D for 180."""
    kept = {"5m": 2, "1H": 30, "1D": 180}
    name = ask.get("period") or "5m"
    if name not in kept:
        raise refuse("51000", "Parameter period error")
    contract = find(ask, "okx", f"{ask.get('ccy')}-USDT-SWAP")
    if contract is None:
        raise refuse("51000", "Parameter ccy error")
    step = period("period", name, SHORT | LONG)
    start, end = between(ask, "end", "begin")
    end = min(end, ask.now_ms - step.length_ms)
    start = max(start, ask.now_ms - kept[name] * DAY_MS, contract.launch_ms)
    first, last = step.ceil(start) + step.length_ms, end + step.length_ms
    held = ask.source.open_interest(contract, step, first, last)
    flow = ask.source.flow(contract, step, first, last)
    value = dict(zip(whole(flow.end_ms), ((flow.buy + flow.sell) * flow.price).tolist(), strict=True))
    rows = [
        [str(ts - step.length_ms), plain(units * price, 2), plain(value.get(ts), 2)]
        for ts, units, price in zip(whole(held.ts_ms), held.units.tolist(), held.price.tolist(), strict=True)
    ]
    return enveloped(rows[::-1])


_RUBIK = "/api/v5/rubik/stat/contracts"
STATISTICS_ROUTES: dict[str, Handler] = {
    f"{_RUBIK}/open-interest-history": _statistics(_open_interest),
    f"{_RUBIK}/open-interest-volume": open_interest_volume,
    f"{_RUBIK}/long-short-account-ratio-contract": _statistics(_ratio("accounts")),
    f"{_RUBIK}/long-short-account-ratio-contract-top-trader": _statistics(_ratio("large_accounts")),
    f"{_RUBIK}/long-short-position-ratio-contract-top-trader": _statistics(_ratio("large_positions")),
    "/api/v5/rubik/stat/taker-volume-contract": _statistics(_taker_volume),
}
