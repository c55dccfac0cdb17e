"""Rows of Bybit's answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from transforms.exchanges.parsing.coin_names import BYBIT, coin_of
from transforms.exchanges.parsing.columns import Columns
from transforms.exchanges.parsing.json_body import Cells
from transforms.exchanges.parsing.rows import Rows, grouped, readable, row, unique
from transforms.exchanges.protocol import BadPayload, Request, Row
from transforms.hourly.hours import HOUR_MS, MINUTE_MS

_MINUTES = {"5": 5, "15": 15, "30": 30, "60": 60, "5min": 5, "1h": 60}
_STATUS = {"Trading": "trading", "Closed": "closed"}  # PreLaunch, Delivering, Settling: suspended
_NOT_CRYPTO = ("commodity", "stock", "forex")


def clock(body: Any) -> int:
    """Return the exchange's own time of an answer."""
    return Cells(body, "body").time("time")


def step_of(request: Request) -> int:
    """Return the milliseconds between two rows; settlements are at least an hour apart."""
    params = dict(request.params)
    name = params.get("interval") or params.get("intervalTime") or params.get("period")
    return _MINUTES[name] * MINUTE_MS if name else HOUR_MS


def time_key(request: Request) -> str | int:
    """Return the key of a row's own time, which paging follows."""
    if request.endpoint in ("mark_bars", "trade_bars"):
        return 0
    return "fundingRateTimestamp" if request.endpoint == "funding" else "timestamp"


def bars(series: str, request: Request, cells: Columns) -> Rows:
    """Return the bars. Volume of a linear contract is in coins; Bybit does not publish taker sides."""
    traded = {"volume_base": cells.maybe(5)} if series == "trade_bars" else {}
    return Rows.of(
        series,
        len(cells),
        instrument=request.instrument,
        open_ms=cells.time(0),
        interval_minutes=step_of(request) // MINUTE_MS,
        open=cells.number(1, positive=True),
        high=cells.number(2, positive=True),
        low=cells.number(3, positive=True),
        close=cells.number(4, positive=True),
        **traded,
    )


def readings(request: Request, cells: Columns) -> Rows:
    """Return the readings of a series, or settlements of funding."""
    times = cells.time(time_key(request))
    cells.check_instrument("symbol", request.instrument, stated=False)
    if request.endpoint == "open_interest_history":
        return Rows.of(
            "open_interest", len(cells), **_open_interest(cells, request.instrument, times), origin="history"
        )
    if request.endpoint == "funding":
        values = {"funding_rate": cells.number("fundingRate", signed=True)}
        times = [time // MINUTE_MS * MINUTE_MS for time in times]
    else:
        values = {"long_account_share": cells.number("buyRatio")}
    return Rows.of("positioning", len(cells), instrument=request.instrument, time_ms=times, **values)


def _open_interest(cells: Cells | Columns, instrument: str | None, time_ms: int | list[int]) -> dict[str, object]:
    """Return the columns of open interest, in coins: both sides summed, and one side where Bybit states it."""
    reported = cells.number("openInterest")
    return {
        "instrument": instrument,
        "time_ms": time_ms,
        "reported": reported,
        "reported_unit": "base",
        "sides_counted": 2,
        "reported_base": reported,
        "single_sided": cells.maybe("singleOpenInterest"),
    }


def _ticker(time_ms: int, cells: Cells) -> list[Row]:
    """Return the open interest of a USDT perpetual; USDC contracts end in PERP or USDC, dated ones in their date."""
    symbol = cells.text("symbol")
    if not symbol.endswith("USDT"):
        return []
    return [
        row(
            "open_interest",
            **_open_interest(cells, symbol, time_ms),
            reported_usd=cells.maybe("openInterestValue"),
            mark_price=cells.maybe("markPrice"),
            origin="snapshot",
        )
    ]


def _tickers(all_cells: list[Cells], time_ms: int) -> list[Row]:
    """Return the open interest of all contracts. A contract has a ticker, with blanks, before its launch."""
    return unique(readable(all_cells, partial(_ticker, time_ms)), "instrument")


def _instruments(all_cells: list[Cells], _time_ms: int) -> list[Row]:
    rows = readable(all_cells, _instrument, lambda each: each.get("status") not in (None, "", "Trading"))
    return unique(rows, "instrument")


def _instrument(cells: Cells) -> list[Row]:
    if cells.text("contractType") != "LinearPerpetual" or cells.text("settleCoin") != "USDT":
        return []
    if cells.get("symbolType") in _NOT_CRYPTO:
        return []
    coin, multiplier = coin_of(cells.text("baseCoin"), BYBIT)
    return [
        row(
            "instruments",
            instrument=cells.text("symbol"),
            coin=coin,
            quote="USDT",
            kind="linear",
            contract_base=1.0,
            unit_multiplier=multiplier,
            tick=cells.inner("priceFilter").maybe("tickSize") or None if cells.get("priceFilter") else None,
            status=_STATUS.get(cells.text("status"), "suspended"),
            listed_ms=cells.maybe_time("launchTime"),
        )
    ]


def _margin_tiers(all_cells: list[Cells], _time_ms: int) -> list[Row]:
    """Return the tiers, for each symbol all or none. A limit is a tier's cap; its floor is the cap below it."""
    return readable(grouped(all_cells, "symbol", "USDT"), lambda group: list(_tiers_of(*group)))


def _tiers_of(symbol: str, tiers: list[Cells]) -> Iterator[Row]:
    floor = 0.0
    for number, each in enumerate(sorted(tiers, key=lambda tier: tier.number("riskLimitValue")), start=1):
        leverage = each.number("maxLeverage", positive=True)
        # Rates are fractions; an old form has percent. Initial rate x leverage is 1 in fractions, 100 in percent.
        unit = 0.01 if each.number("initialMargin", positive=True) * leverage > 10 else 1.0
        blank = number == 1 and each.get("mmDeduction") in (None, "")
        cap = each.number("riskLimitValue", positive=True)
        if cap <= floor:
            raise BadPayload(f"{each.where}: two tiers of {symbol} end at {cap}")
        yield row(
            "margin_tiers",
            instrument=symbol,
            tier=number,
            bound_unit="usd",
            floor=floor,
            cap=cap,
            maintenance_rate=each.number("maintenanceMargin", positive=True) * unit,
            deduction=0.0 if blank else each.number("mmDeduction"),
            max_leverage_x=leverage,
        )
        floor = cap


ALL: Mapping[str, Callable[[list[Cells], int], list[Row]]] = {
    "tickers": _tickers,
    "instruments": _instruments,
    "margin_tiers": _margin_tiers,
}
"""Parsers of answers about all instruments: endpoint -> rows from the records and the exchange's time."""
