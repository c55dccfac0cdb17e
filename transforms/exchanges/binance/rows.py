"""Rows of Binance's answers."""

from __future__ import annotations

from transforms.exchanges.parsing.coin_names import BINANCE, coin_of
from transforms.exchanges.parsing.columns import Columns
from transforms.exchanges.parsing.json_body import Cells
from transforms.exchanges.parsing.rows import Rows, readable, row, unique
from transforms.exchanges.protocol import BadPayload, Request, Row
from transforms.hourly.hours import HOUR_MS, MINUTE_MS

INTERVALS = {5: "5m", 15: "15m", 30: "30m", 60: "1h"}
MINUTES = {name: minutes for minutes, name in INTERVALS.items()}
_STATUS = {
    "TRADING": "trading",
    **dict.fromkeys(("PENDING_TRADING", "PRE_DELIVERING", "DELIVERING", "PRE_SETTLE", "SETTLING"), "suspended"),
    **dict.fromkeys(("DELIVERED", "CLOSE"), "closed"),
}
_RATIO_COLUMNS = {
    "account_ratio": "long_account_share",
    "top_account_ratio": "top_long_account_share",
    "top_position_ratio": "top_long_position_share",
}


def step_of(request: Request) -> int:
    """Return the milliseconds between two rows; settlements are at least an hour apart."""
    params = dict(request.params)
    period = params.get("interval") or params.get("period")
    return MINUTES[period] * MINUTE_MS if period else HOUR_MS


def time_key(request: Request) -> str | int:
    """Return the key of a row's own time: klines have it first, the others under a name."""
    if request.endpoint in ("mark_bars", "trade_bars"):
        return 0
    return "fundingTime" if request.endpoint == "funding" else "timestamp"


def bars(series: str, request: Request, step: int, cells: Columns) -> Rows:
    """Return the klines, which have `step` ms each and close 1 ms before the next one opens."""
    opened = cells.time(0)
    for place, (opens, closes) in enumerate(zip(opened, cells.time(6), strict=True)):
        if closes != opens + step - 1:
            raise BadPayload(f"{cells.where(place)}: the bar is not of {step // MINUTE_MS} minutes")
    traded = {"volume_base": cells.maybe(5), "taker_buy_base": cells.maybe(9)} if series == "trade_bars" else {}
    return Rows.of(
        series,
        len(cells),
        instrument=request.instrument,
        open_ms=opened,
        interval_minutes=step // MINUTE_MS,
        open=cells.number(1, positive=True),
        high=cells.number(2, positive=True),
        low=cells.number(3, positive=True),
        close=cells.number(4, positive=True),
        **traded,
    )


def readings(request: Request, cells: Columns) -> Rows:
    """Return the readings of a series, or settlements of funding."""
    cells.check_instrument("symbol", request.instrument)
    times = cells.time(time_key(request))
    if request.endpoint == "open_interest_history":
        reported = cells.number("sumOpenInterest")
        return Rows.of(
            "open_interest",
            len(cells),
            instrument=request.instrument,
            time_ms=times,
            reported=reported,
            reported_unit="base",
            sides_counted=1,
            reported_base=reported,
            reported_usd=cells.number("sumOpenInterestValue"),
            origin="history",
        )
    if request.endpoint == "funding":
        values = {"funding_rate": cells.number("fundingRate", signed=True)}
        times = [time // MINUTE_MS * MINUTE_MS for time in times]
    else:
        values = {_RATIO_COLUMNS[request.endpoint]: cells.number("longAccount")}
    return Rows.of("positioning", len(cells), instrument=request.instrument, time_ms=times, **values)


def open_interest(request: Request, cells: Cells) -> Row:
    """Return the open interest now, as of the last transaction: minutes ago in a thin market."""
    if cells.text("symbol") != request.instrument:
        raise BadPayload(f"{cells.where}: symbol is {cells.text('symbol')}, asked for {request.instrument}")
    return row(
        "open_interest",
        instrument=request.instrument,
        time_ms=cells.time("time"),
        reported=cells.number("openInterest"),
        reported_unit="base",
        sides_counted=1,
        reported_base=cells.number("openInterest"),
        origin="snapshot",
    )


def instruments(info: Cells) -> list[Row]:
    """Return the USDT perpetuals of the list, which also has shares, metals and dated contracts."""
    rows = readable(info.records("symbols"), _instrument, lambda each: each.get("status") not in (None, "", "TRADING"))
    if not rows:
        raise BadPayload("no USDT perpetual among the instruments")
    return unique(rows, "instrument")


def _instrument(cells: Cells) -> list[Row]:
    if cells.text("contractType") != "PERPETUAL" or cells.text("quoteAsset") != "USDT":
        return []
    if cells.get("marginAsset") not in (None, "USDT"):
        return []
    coin, multiplier = coin_of(cells.text("baseAsset"), BINANCE)
    # A contract that is only announced has no filters yet.
    filters = cells.records("filters") if cells.get("filters") is not None else []
    ticks = [each.maybe("tickSize") or None for each in filters if each.get("filterType") == "PRICE_FILTER"]
    return [
        row(
            "instruments",
            instrument=cells.text("symbol"),
            coin=coin,
            quote="USDT",
            kind="linear",
            contract_base=1.0,
            unit_multiplier=multiplier,
            tick=ticks[0] if ticks else None,
            status=_STATUS.get(cells.text("status"), "suspended"),
            listed_ms=cells.maybe_time("onboardDate"),
        )
    ]


def margin_tiers(answer: Cells) -> list[Row]:
    """Return the tiers, with bounds in USDT. Each leverage is a range; the tier allows its upper end."""
    rows = readable(answer.inner("data").records("brackets"), _tiers_of)
    if not rows:
        raise BadPayload("no tiers of USDT perpetuals")
    return rows


def _tiers_of(cells: Cells) -> list[Row]:
    """Return all tiers of a symbol or none: a table with a hole would pass as complete."""
    symbol = cells.text("symbol")
    if not symbol.endswith("USDT"):
        return []
    return [
        row(
            "margin_tiers",
            instrument=symbol,
            tier=tier.whole("bracketSeq"),
            bound_unit="usd",
            floor=tier.number("bracketNotionalFloor"),
            cap=tier.number("bracketNotionalCap", positive=True),
            maintenance_rate=tier.number("bracketMaintenanceMarginRate", positive=True),
            deduction=tier.number("cumFastMaintenanceAmount"),
            max_leverage_x=tier.number("maxOpenPosLeverage", positive=True),
        )
        for tier in sorted(cells.records("riskBrackets"), key=lambda one: one.whole("bracketSeq"))
    ]
