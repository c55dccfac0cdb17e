"""Rows of OKX's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from transforms.exchanges.parsing.columns import Columns
from transforms.exchanges.parsing.json_body import Cells
from transforms.exchanges.parsing.rows import Rows, grouped, readable, row, unique
from transforms.exchanges.protocol import BadPayload, Request, Row
from transforms.hourly.hours import HOUR_MS, MINUTE_MS

_MINUTES = {"5m": 5, "15m": 15, "30m": 30, "1H": 60}
_STATUS = {"live": "trading", "expired": "closed"}  # suspend, preopen, test: suspended
_RATIO_COLUMNS = {
    "account_ratio": "long_account_share",
    "top_account_ratio": "top_long_account_share",
    "top_position_ratio": "top_long_position_share",
}


def step_of(request: Request) -> int:
    """Return the milliseconds between two rows; settlements are at least an hour apart."""
    params = dict(request.params)
    period = params.get("bar") or params.get("period")
    return _MINUTES[period] * MINUTE_MS if period else HOUR_MS


def shortest_step(request: Request) -> int:
    """Return the shortest possible time between two rows, in ms.

    Funding intervals change with the market, and liquidations come at any millisecond.
    """
    return {"funding": MINUTE_MS, "liquidations": 1}.get(request.endpoint) or step_of(request)


def stamps(request: Request, data: Columns) -> list[int]:
    """Return the timestamps that paging follows."""
    if request.endpoint == "liquidations":
        return [detail.time("ts") for group in data.cells() for detail in group.records("details")]
    return data.time("fundingTime" if request.endpoint == "funding" else 0)


def straddles(request: Request, times: list[int]) -> bool:
    """Return whether the page limit may have split the events of the page's oldest instant."""
    full = len(times) >= int(dict(request.params)["limit"])
    return request.endpoint == "liquidations" and full and min(times) < max(times)


def bars(series: str, request: Request, cells: Columns) -> Rows:
    """Return the closed bars. Taker volume lists sells before buys."""
    place = {"instrument": request.instrument, "interval_minutes": step_of(request) // MINUTE_MS}
    if series == "taker_volume":
        sold, bought = cells.number(1), cells.number(2)
        return Rows.of(series, len(cells), **place, open_ms=cells.time(0), taker_buy_base=bought, taker_sell_base=sold)
    made = Rows.of(
        series,
        len(cells),
        **place,
        open_ms=cells.time(0),
        open=cells.number(1, positive=True),
        high=cells.number(2, positive=True),
        low=cells.number(3, positive=True),
        close=cells.number(4, positive=True),
        # 5 is contracts, 6 coins, 7 dollars
        **({"volume_base": cells.maybe(6)} if series == "trade_bars" else {}),
    )
    confirmed = cells.text(5 if series == "mark_bars" else 8)
    for number, flag in enumerate(confirmed):
        if flag not in ("0", "1"):
            raise BadPayload(f"{cells.where(number)}: confirm is {flag[:20]!r}")
    return made if "0" not in confirmed else made.take([n for n, flag in enumerate(confirmed) if flag == "1"])


def readings(request: Request, cells: Columns) -> Rows:
    """Return readings at the end of their period; OKX stamps its start."""
    if request.endpoint == "funding":
        return _funding(request, cells)
    step = step_of(request)
    attributes = {"instrument": request.instrument, "time_ms": [time + step for time in cells.time(0)]}
    if request.endpoint == "open_interest_history":
        interest = _open_interest(cells, (1, 2, 3))
        return Rows.of("open_interest", len(cells), **attributes, **interest, origin="history")
    share = {_RATIO_COLUMNS[request.endpoint]: [ratio / (1 + ratio) for ratio in cells.number(1)]}
    return Rows.of("positioning", len(cells), **attributes, **share)


def _funding(request: Request, cells: Columns) -> Rows:
    """Return settlements: `realizedRate` is the rate paid, `fundingRate` was the forecast."""
    cells.check_instrument("instId", request.instrument, stated=False)
    return Rows.of(
        "positioning",
        len(cells),
        instrument=request.instrument,
        time_ms=[time // MINUTE_MS * MINUTE_MS for time in cells.time("fundingTime")],
        funding_rate=cells.number("realizedRate", signed=True),
    )


def _open_interest(cells: Cells | Columns, keys: tuple[str | int, str | int, str | int]) -> dict[str, object]:
    """Return the columns of open interest. Contracts may be fractional; old answers lack the dollars."""
    return {
        "reported": cells.number(keys[0]),
        "reported_unit": "contracts",
        "reported_base": cells.number(keys[1]),
        "reported_usd": cells.maybe(keys[2]),
    }


def liquidations(request: Request, data: list[Cells]) -> list[Row]:
    """Return events in (start, end], oldest first, at their bankruptcy price. Equal rows are separate events."""
    rows = [
        liquidation(detail, group.get("instId") or request.instrument)
        for group in data
        for detail in group.records("details")
    ]
    times = [each["time_ms"] for each in rows]
    start, end = request.start_ms or 0, request.end_ms or 0
    from_ms = max(start, min(times)) if times and straddles(request, times) else start
    kept = [each for each in rows if from_ms < each["time_ms"] <= end and each["instrument"] == request.instrument]
    return sorted(kept, key=lambda each: (each["time_ms"], each["side"], each["price"], each["size_contracts"]))


def liquidation(detail: Cells, instrument: str | None) -> Row:
    """Return one event of the exchange's list or stream."""
    return row(
        "realised_liquidations",
        instrument=instrument,
        time_ms=detail.time("ts"),
        side=_side(detail),
        price=detail.number("bkPx", positive=True),
        size_contracts=detail.number("sz", positive=True),
    )


def _side(detail: Cells) -> str:
    """Return the position's side. One-way mode states only the order's side: a sell closes a long."""
    position = detail.get("posSide")
    if position in ("long", "short"):
        return str(position)
    side = {"sell": "long", "buy": "short"}.get(detail.text("side"))
    if side is None:
        raise BadPayload(f"{detail.where}: side is {detail.text('side')[:20]!r}")
    return side


def _open_interest_now(data: list[Cells]) -> list[Row]:
    return unique(readable(data, _swap_now), "instrument")


def _swap_now(cells: Cells) -> list[Row]:
    """Return a swap's open interest as of the request: `ts` is the time of the answer."""
    name = cells.text("instId")
    if not name.endswith("-USDT-SWAP"):
        return []
    interest = _open_interest(cells, ("oi", "oiCcy", "oiUsd"))
    return [row("open_interest", **interest, instrument=name, time_ms=cells.time("ts"), origin="snapshot")]


def _instruments(data: list[Cells]) -> list[Row]:
    """Return the instruments. Before its listing (preopen, test) a swap has blanks, also for its contract size."""
    return unique(readable(data, _instrument, lambda each: each.get("state") not in (None, "", "live")), "instrument")


def _instrument(cells: Cells) -> list[Row]:
    family = cells.text("instFamily")
    if cells.get("ctType") != "linear" or cells.get("settleCcy") != "USDT" or not family.endswith("-USDT"):
        return []
    if cells.get("instCategory") not in (None, "", "1"):  # 1 is crypto; shares and metals trade as swaps too
        return []
    multiplier = cells.maybe("ctMult")
    return [
        row(
            "instruments",
            instrument=cells.text("instId"),
            coin=family.removesuffix("-USDT"),
            quote="USDT",
            kind="linear",
            contract_base=cells.number("ctVal", positive=True) * (1.0 if multiplier is None else multiplier),
            unit_multiplier=1.0,
            tick=cells.maybe("tickSz") or None,
            status=_STATUS.get(cells.text("state"), "suspended"),
            listed_ms=cells.maybe_time("listTime"),
        )
    ]


def _margin_tiers(data: list[Cells]) -> list[Row]:
    """Return the tiers, for each family all or none: a table with a hole would pass as complete.

    OKX sends them unsorted, with bounds in contracts and no deduction: the whole position takes its tier's rate.
    """
    return readable(grouped(data, "instFamily", "-USDT"), lambda group: list(_tiers_of(f"{group[0]}-SWAP", group[1])))


def _tiers_of(instrument: str, tiers: list[Cells]) -> Iterator[Row]:
    """Yield a contract's tiers, each with the cap of the tier below as its floor, so that they join.

    OKX starts a tier one size step above that cap.
    """
    below: float | None = None
    for each in sorted(tiers, key=lambda tier: tier.whole("tier")):
        floor, cap = each.number("minSz"), each.number("maxSz", positive=True)
        if cap <= floor or (below is not None and floor < below):
            raise BadPayload(f"{each.where}: tiers of {instrument} overlap")
        yield row(
            "margin_tiers",
            instrument=instrument,
            tier=each.whole("tier"),
            bound_unit="contracts",
            floor=floor if below is None else below,
            cap=cap,
            maintenance_rate=each.number("mmr", positive=True),
            deduction=0.0,
            max_leverage_x=each.number("maxLever", positive=True),
        )
        below = cap


ALL: Mapping[str, Callable[[list[Cells]], list[Row]]] = {
    "open_interest": _open_interest_now,
    "instruments": _instruments,
    "margin_tiers": _margin_tiers,
}
"""Parsers of answers about many instruments: endpoint -> rows."""
