"""Binance USD-M: USDT-settled perpetual contracts.

Open interest counts one side, in units of the contract's name (1000PEPE: thousands). Klines carry taker buys, so the
separate taker series, with an undocumented unit, is not requested. Realised liquidations are only streamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from transforms.exchanges.binance import archive
from transforms.exchanges.binance import rows as rows_of
from transforms.exchanges.binance.rows import INTERVALS, step_of, time_key
from transforms.exchanges.parsing.columns import Columns
from transforms.exchanges.parsing.errors import Dialect, Kind, refusal
from transforms.exchanges.parsing.json_body import Cells, peek, read
from transforms.exchanges.parsing.rows import cut_bars, cut_readings
from transforms.exchanges.parsing.windows import Source, linear_only, pages
from transforms.exchanges.protocol import Budget, Instrument, Request, Response, Row
from transforms.hourly.hours import DAY_MS, HOUR_MS, MINUTE_MS

EXCHANGE: str = "binance"
_OWN_HOSTS = {"binance": "https://fapi.binance.com", "binance_web": "https://www.binance.com"}
HOSTS: Mapping[str, str] = {**_OWN_HOSTS, **archive.HOSTS}
# The web host documents no limit; it gets one request per run.
BUDGETS: Sequence[Budget] = (
    Budget("binance-weight", 2400, 60),
    Budget("binance-data", 1000, 300),
    Budget("binance-funding", 500, 300),
    Budget("binance-web", 10, 60),
    *archive.BUDGETS,
)
ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "instruments": ("instruments",),
    "margin_tiers": ("margin_tiers",),
    "open_interest": ("open_interest",),
    "open_interest_history": ("open_interest",),
    "mark_bars": ("mark_bars",),
    "trade_bars": ("trade_bars",),
    "account_ratio": ("positioning",),
    "top_account_ratio": ("positioning",),
    "top_position_ratio": ("positioning",),
    "funding": ("positioning",),
    **archive.ENDPOINTS,
}

_READ_EVERY = 5  # minutes between readings under /futures/data, the finest there is

# 499 bars are the most per weight: a kline request weighs 2 below 500 bars, 5 up to 1000, 10 above.
_SOURCES = (
    Source("open_interest_history", "/futures/data/openInterestHist", "binance-data", 500),
    Source("mark_bars", "/fapi/v1/markPriceKlines", "binance-weight", 499, bars=True),
    Source("trade_bars", "/fapi/v1/klines", "binance-weight", 499, bars=True),
    Source("account_ratio", "/futures/data/globalLongShortAccountRatio", "binance-data", 500),
    Source("top_account_ratio", "/futures/data/topLongShortAccountRatio", "binance-data", 500),
    Source("top_position_ratio", "/futures/data/topLongShortPositionRatio", "binance-data", 500),
)
_KEPT_DAYS = 29  # of readings: 30, less one as a margin
_FUNDING = Source("funding", "/fapi/v1/fundingRate", "binance-funding", 1000)

_DIALECT = Dialect(
    codes={
        "-1003": Kind.LIMITED,
        "-1015": Kind.LIMITED,
        **dict.fromkeys(("-1000", "-1001", "-1006", "-1007", "-1008", "-1016"), Kind.TRANSIENT),
        **dict.fromkeys(("-1121", "-1130", "-2014", "-2015"), Kind.ITEM),
    },
    silence_ms=60_000,
)


def metadata(coins: Sequence[str] | None) -> list[Request]:
    """Request instruments and tiers, each in one call.

    The documented endpoint of tiers needs a signature; this one serves the exchange's web pages and may end any day.
    """
    return [
        Request(EXCHANGE, "instruments", "/fapi/v1/exchangeInfo", host="binance", budget="binance-weight"),
        Request(
            EXCHANGE,
            "margin_tiers",
            "/bapi/futures/v1/friendly/future/common/brackets",
            host="binance_web",
            budget="binance-web",
        ),
    ]


def snapshot(instruments: Sequence[Instrument]) -> list[Request]:
    """Request open interest, once per instrument: there is no bulk form."""
    return [
        Request(
            EXCHANGE,
            "open_interest",
            "/fapi/v1/openInterest",
            (("symbol", each.instrument),),
            each.instrument,
            host="binance",
            budget="binance-weight",
        )
        for each in linear_only(EXCHANGE, instruments)
    ]


def history(instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, bar_minutes: int = 5) -> list[Request]:
    """Request readings every 5 minutes, whatever `bar_minutes` is.

    /futures/data reaches back 30 days, everything else to the listing.
    """
    if bar_minutes not in INTERVALS:
        raise ValueError(f"{EXCHANGE} has no bars of {bar_minutes} minutes; supported are {sorted(INTERVALS)}")
    requests = []
    for each in linear_only(EXCHANGE, instruments):
        for source in _SOURCES:
            minutes = bar_minutes if source.bars else _READ_EVERY
            for start, end in pages(source, start_ms, end_ms, minutes * MINUTE_MS):
                requests.append(_series(source, each.instrument, start, end, minutes))
        requests += [_funding(each.instrument, *window) for window in pages(_FUNDING, start_ms, end_ms, HOUR_MS)]
    return requests


def served_since_ms(now_ms: int) -> int:
    """Return the midnight since which REST has readings at `now_ms`; older ones are in daily files."""
    return (now_ms // DAY_MS - _KEPT_DAYS) * DAY_MS


def archive_requests(
    instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, now_ms: int, bar_minutes: int = 5
) -> list[Request]:
    """Request files once readings are older than REST's 30 days; settlements stay on REST without limit."""
    if start_ms >= served_since_ms(now_ms):
        return []
    windows = list(pages(_FUNDING, start_ms, end_ms, HOUR_MS))
    funding = [_funding(each.instrument, *window) for each in instruments for window in windows]
    return archive.files(instruments, start_ms, end_ms, now_ms=now_ms, bar_minutes=bar_minutes) + funding


def fallback(request: Request) -> list[Request]:
    """Request bars of a day that the archive lacks: REST has them back to the listing. Readings are nowhere else."""
    if request.endpoint not in archive.KLINES or archive.is_of_month(request):
        return []
    (source,) = (each for each in _SOURCES if each.endpoint == request.endpoint.removeprefix("archive_"))
    minutes = archive.interval_minutes(request)
    windows = pages(source, request.start_ms or 0, request.end_ms or 0, minutes * MINUTE_MS)
    return [_series(source, str(request.instrument), *window, minutes) for window in windows]


def monthly_file(request: Request, *, now_ms: int) -> Request | None:
    """Return the monthly file that supersedes a daily file of bars, once published; else None."""
    return archive.of_month(request, now_ms)


def _series(source: Source, instrument: str, start: int, end: int, minutes: int) -> Request:
    bars = (end - start) // (minutes * MINUTE_MS)
    first, last, limit = (start, end - 1, bars) if source.bars else (start + 1, end, source.page)
    params = (
        ("symbol", instrument),
        ("interval" if source.bars else "period", INTERVALS[minutes]),
        ("startTime", str(first)),
        ("endTime", str(last)),
        ("limit", str(limit)),
    )
    # Binance's bounds are inclusive, so a bar's window ends 1 ms early and a reading's begins 1 ms late.
    weight = 1 if not source.bars or limit < 100 else 2
    return Request(
        EXCHANGE, source.endpoint, source.path, params, instrument, start, end, "binance", source.budget, weight
    )


def _funding(instrument: str, start: int, end: int) -> Request:
    """Request the settlements with times that floor, to the minute, into the window: stamps are 1 or 2 ms late."""
    params = (
        ("symbol", instrument),
        ("startTime", str(start + MINUTE_MS)),
        ("endTime", str(end + MINUTE_MS - 1)),
        ("limit", str(_FUNDING.page)),
    )
    return Request(
        EXCHANGE, _FUNDING.endpoint, _FUNDING.path, params, instrument, start, end, "binance", _FUNDING.budget
    )


def next_page(request: Request, response: Response) -> Request | None:
    """Request the next page: rows come oldest first, so a full page that stops short continues after its last row.

    A checksum leads to its file.
    """
    if request.endpoint in archive.ENDPOINTS:
        return archive.next_page(request, response)
    params = dict(request.params)
    if "limit" not in params:
        return None
    rows = Columns(_body(response))
    if len(rows) < int(params["limit"]):
        return None
    last = max(rows.time(time_key(request)))
    if last + step_of(request) > int(params["endTime"]) or last < int(params["startTime"]):
        return None
    params["startTime"] = str(last + 1)
    return replace(request, params=tuple(params.items()))


def coarser_period(request: Request) -> Request | None:
    """Return None: every period has the same limit of 30 days."""
    return None


def parse(request: Request, response: Response) -> Mapping[str, Sequence[Row]]:
    """Parse rows by series. Raises ExchangeError if the response is not data."""
    if request.endpoint in archive.ENDPOINTS:
        return archive.parse(request, response)
    body = _body(response)
    (series,) = ENDPOINTS[request.endpoint]
    if request.endpoint == "instruments":
        return {series: rows_of.instruments(Cells(body, "exchangeInfo"))}
    if request.endpoint == "margin_tiers":
        return {series: rows_of.margin_tiers(Cells(body, "brackets"))}
    if request.endpoint == "open_interest":
        return {series: [rows_of.open_interest(request, Cells(body, "openInterest"))]}
    cells, step = Columns(body), step_of(request)
    if request.endpoint in ("mark_bars", "trade_bars"):
        return {series: cut_bars(rows_of.bars(series, request, step, cells), request, response, step)}
    return {series: cut_readings(rows_of.readings(request, cells), request, response, step)}


def _body(response: Response) -> Any:
    """Return the body, unless it is an error: an object with a `code` other than the web host's `000000`."""
    peeked = peek(response)
    failed = peeked.get("code") not in (None, "000000")
    words = peeked.get("msg") or peeked.get("message")
    error = refusal(response, _DIALECT, str(peeked["code"]) if failed else None, words)
    if error is not None:
        raise error
    return read(response)
