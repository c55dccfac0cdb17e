"""Bybit v5: USDT-settled perpetual contracts.

Open interest sums both sides; `singleOpenInterest`, published since June 2026, is one side. Answers come newest first.
Bybit ignores a start time without an end, so both bounds are always sent, at most one page apart. Taker sides and
realised liquidations are only streamed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

from transforms.exchanges.bybit import rows as rows_of
from transforms.exchanges.parsing.coin_names import BYBIT, base_of
from transforms.exchanges.parsing.columns import Columns
from transforms.exchanges.parsing.errors import Dialect, Kind, refusal
from transforms.exchanges.parsing.json_body import Cells, peek, read
from transforms.exchanges.parsing.rows import cut_bars, cut_readings
from transforms.exchanges.parsing.windows import Source, linear_only, pages
from transforms.exchanges.protocol import BadPayload, Budget, Instrument, Request, Response, Row
from transforms.hourly.hours import MINUTE_MS

EXCHANGE: str = "bybit"
HOSTS: Mapping[str, str] = {"bybit": "https://api.bybit.com"}
BUDGETS: Sequence[Budget] = (Budget("bybit", 600, 5),)
ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "instruments": ("instruments",),
    "margin_tiers": ("margin_tiers",),
    "tickers": ("open_interest",),
    "open_interest_history": ("open_interest",),
    "mark_bars": ("mark_bars",),
    "trade_bars": ("trade_bars",),
    "account_ratio": ("positioning",),
    "funding": ("positioning",),
}

_BARS = {5: "5", 15: "15", 30: "30", 60: "60"}
_PERIODS = {5: "5min", 60: "1h"}

_MARK = Source("mark_bars", "/v5/market/mark-price-kline", "bybit", 1000, bars=True)
_TRADES = Source("trade_bars", "/v5/market/kline", "bybit", 1000, bars=True)
_OPEN_INTEREST = Source("open_interest_history", "/v5/market/open-interest", "bybit", 200)
_ACCOUNTS = Source("account_ratio", "/v5/market/account-ratio", "bybit", 500)
_FUNDING = Source("funding", "/v5/market/funding/history", "bybit", 200)

# Names of the parameters for a page's end and for the length of a row.
_END_NAMES = {"mark_bars": "end", "trade_bars": "end"}
_INTERVAL_NAMES = {"open_interest_history": "intervalTime", "account_ratio": "period"}

_DIALECT = Dialect(
    codes={
        **dict.fromkeys(("10006", "10018"), Kind.LIMITED),
        **dict.fromkeys(("10000", "10016"), Kind.TRANSIENT),
        **dict.fromkeys(("10009", "10024"), Kind.GEO),
        "10001": Kind.ITEM,
    },
    silence_ms=5_000,
    geo_words=("your country", "restricted location", "cloudfront"),
)


def metadata(coins: Sequence[str] | None) -> list[Request]:
    """Request instruments and tiers; tiers by symbol for named coins, as all take some forty pages of 15 symbols."""
    listed = _get("instruments", "/v5/market/instruments-info", ("category", "linear"), ("limit", "1000"))
    if coins is None:
        return [listed, _get("margin_tiers", "/v5/market/risk-limit", ("category", "linear"))]
    symbols = [f"{base_of(coin, BYBIT)}USDT" for coin in coins]
    return [listed] + [
        _get("margin_tiers", "/v5/market/risk-limit", ("category", "linear"), ("symbol", symbol), instrument=symbol)
        for symbol in symbols
    ]


def snapshot(instruments: Sequence[Instrument]) -> list[Request]:
    """Request all symbols in one call; the answer has the mark price beside the open interest."""
    if not linear_only(EXCHANGE, instruments):
        return []
    return [_get("tickers", "/v5/market/tickers", ("category", "linear"))]


def history(instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, bar_minutes: int = 5) -> list[Request]:
    """Request readings every 5 minutes, or every hour beside hourly bars.

    A source that has only hourly bars has only hourly readings.
    """
    if bar_minutes not in _BARS:
        raise ValueError(f"{EXCHANGE} has no bars of {bar_minutes} minutes; supported are {sorted(_BARS)}")
    period = 60 if bar_minutes == 60 else 5
    plan = ((_OPEN_INTEREST, period), (_MARK, bar_minutes), (_TRADES, bar_minutes), (_ACCOUNTS, period), (_FUNDING, 60))
    return [
        _series(source, each.instrument, start, end, minutes)
        for each in linear_only(EXCHANGE, instruments)
        for source, minutes in plan
        for start, end in pages(source, start_ms, end_ms, minutes * MINUTE_MS)
    ]


def _series(source: Source, instrument: str, start: int, end: int, minutes: int) -> Request:
    """Request one page: from the first point of the grid to 1 ms before the point after the last.

    That is [t, t + limit x interval - 1].
    """
    step = minutes * MINUTE_MS
    first, last = (start, end - 1) if source.bars else (start + step, end + step - 1)
    if source is _FUNDING:  # irregular: only whole minutes are certain
        first, last = start + MINUTE_MS, end + MINUTE_MS - 1
    names = ("start", "end") if source.bars else ("startTime", "endTime")
    interval: list[tuple[str, str]] = []
    if source.bars:
        interval = [("interval", _BARS[minutes])]
    elif source is not _FUNDING:
        interval = [(_INTERVAL_NAMES[source.endpoint], _PERIODS[minutes])]
    return _get(
        source.endpoint,
        source.path,
        ("category", "linear"),
        ("symbol", instrument),
        *interval,
        (names[0], str(first)),
        (names[1], str(last)),
        ("limit", str(source.page)),
        instrument=instrument,
        window=(start, end),
    )


def _get(
    endpoint: str,
    path: str,
    *params: tuple[str, str],
    instrument: str | None = None,
    window: tuple[int | None, int | None] = (None, None),
) -> Request:
    return Request(EXCHANGE, endpoint, path, params, instrument, window[0], window[1], "bybit", "bybit")


def archive_requests(
    instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, now_ms: int, bar_minutes: int = 5
) -> list[Request]:
    """Return nothing: no archive of this exchange is read."""
    return []


def fallback(request: Request) -> list[Request]:
    """Return nothing: there is no other source."""
    return []


def monthly_file(request: Request, *, now_ms: int) -> Request | None:
    """Return None: there are no files."""
    return None


def next_page(request: Request, response: Response) -> Request | None:
    """Request the next older page: by cursor where there is one, else by an earlier end.

    The cursor arrives percent-encoded and is encoded again when sent, so it is decoded once.
    """
    result = _result(response)
    rows = _listed(result)
    cursor = unquote(str(result.get("nextPageCursor") or ""))
    params = dict(request.params)
    if not len(rows) or (cursor and cursor == params.get("cursor")):
        return None
    if request.start_ms is not None and request.end_ms is not None:
        oldest = min(rows.time(rows_of.time_key(request)))
        if _covered(request, oldest):
            return None
        if not cursor:
            if len(rows) < int(params["limit"]):
                return None
            params[_END_NAMES.get(request.endpoint, "endTime")] = str(oldest - 1)
            return replace(request, params=tuple(params.items()))
    if not cursor:
        return None
    return replace(request, params=(*((k, v) for k, v in request.params if k != "cursor"), ("cursor", cursor)))


def _covered(request: Request, oldest_ms: int) -> bool:
    """Return whether no point of the grid lies between the start of the window and the oldest row."""
    params = dict(request.params)
    first = int(params["start"] if "start" in params else params["startTime"])
    step = MINUTE_MS if request.endpoint == "funding" else rows_of.step_of(request)
    return oldest_ms - step < first


def coarser_period(request: Request) -> Request | None:
    """Return None: every period reaches back to the listing."""
    return None


def parse(request: Request, response: Response) -> Mapping[str, Sequence[Row]]:
    """Parse rows by series. Raises ExchangeError if the response is not data."""
    result = _result(response)
    (series,) = ENDPOINTS[request.endpoint]
    if result.get("category") not in (None, "", "linear"):
        raise BadPayload(f"category {result.get('category')}, asked for linear")
    if request.instrument and result.get("symbol") not in (None, "", request.instrument):
        raise BadPayload(f"symbol {result.get('symbol')}, asked for {request.instrument}")
    cells = _listed(result)
    if request.start_ms is None:
        rows = rows_of.ALL[request.endpoint](cells.cells(), rows_of.clock(read(response)))
        # A page reached by cursor may be empty, after the last one; the first page of all instruments may not.
        if not rows and "cursor" not in dict(request.params):
            raise BadPayload(f"no linear USDT contract under {request.endpoint}")
        return {series: rows}
    step = rows_of.step_of(request)
    if series.endswith("_bars"):
        return {series: cut_bars(rows_of.bars(series, request, cells), request, response, step)}
    return {series: cut_readings(rows_of.readings(request, cells), request, response, step)}


def _listed(result: Cells) -> Columns:
    return Columns(result.get("list"), f"{result.where}.list")


def _result(response: Response) -> Cells:
    """Return the envelope's `result`. Errors arrive with status 200 too; only `retCode` tells them apart."""
    peeked = peek(response)
    failed = peeked.get("retCode", 0) not in (0, "0")
    error = refusal(response, _DIALECT, str(peeked["retCode"]) if failed else None, peeked.get("retMsg"))
    if error is not None:
        raise error
    envelope = Cells(read(response), "body")
    if envelope.get("retCode") not in (0, "0"):
        raise BadPayload("body has no retCode")
    return envelope.inner("result")
