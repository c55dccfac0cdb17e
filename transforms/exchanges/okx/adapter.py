"""OKX v5: USDT-settled swaps.

Open interest is in contracts, and OKX does not document how many sides it counts. Bounds are exclusive, `after`/`end`
is the later one, and answers come newest first. Periods of 6 hours and longer are in UTC+8 and are not used.

History comes from the `history-*` endpoints only. The plain ones reach back 1,440 bars, the adapter does not know the
age of a window, and a closed bar is the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from transforms.exchanges.okx import rows as rows_of
from transforms.exchanges.parsing.columns import Columns
from transforms.exchanges.parsing.errors import Dialect, Kind, refusal
from transforms.exchanges.parsing.json_body import Cells, peek, read
from transforms.exchanges.parsing.rows import cut_bars, cut_readings
from transforms.exchanges.parsing.windows import Source, linear_only, pages
from transforms.exchanges.protocol import BadPayload, Budget, Instrument, Request, Response, Row
from transforms.hourly.hours import HOUR_MS, MINUTE_MS

EXCHANGE: str = "okx"
HOSTS: Mapping[str, str] = {"okx": "https://www.okx.com"}
ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "instruments": ("instruments",),
    "margin_tiers": ("margin_tiers",),
    "open_interest": ("open_interest",),
    "open_interest_history": ("open_interest",),
    "mark_bars": ("mark_bars",),
    "trade_bars": ("trade_bars",),
    "taker_volume": ("taker_volume",),
    "account_ratio": ("positioning",),
    "top_account_ratio": ("positioning",),
    "top_position_ratio": ("positioning",),
    "funding": ("positioning",),
    "liquidations": ("realised_liquidations",),
}
# Requests per 2 seconds, for each endpoint. OKX counts some by instrument too; a count by IP alone satisfies both.
_LIMITS = {
    "instruments": 20,
    "margin_tiers": 10,
    "open_interest": 20,
    "open_interest_history": 10,
    "mark_bars": 20,
    "trade_bars": 20,
    "taker_volume": 5,
    "account_ratio": 5,
    "top_account_ratio": 5,
    "top_position_ratio": 5,
    "funding": 10,
    "liquidations": 40,
}
BUDGETS: Sequence[Budget] = tuple(Budget(f"okx-{endpoint}", limit, 2) for endpoint, limit in _LIMITS.items())

_PERIODS = {5: "5m", 15: "15m", 30: "30m", 60: "1H"}
_FAMILIES_A_REQUEST = 5
_RUBIK = "/api/v5/rubik/stat"


def _source(endpoint: str, path: str, page: int, *, bars: bool = False) -> Source:
    return Source(endpoint, path, f"okx-{endpoint}", page, bars)


_BARS = (
    _source("mark_bars", "/api/v5/market/history-mark-price-candles", 100, bars=True),
    _source("trade_bars", "/api/v5/market/history-candles", 100, bars=True),
    _source("taker_volume", f"{_RUBIK}/taker-volume-contract", 100, bars=True),
)
_READINGS = (
    _source("open_interest_history", f"{_RUBIK}/contracts/open-interest-history", 100),
    _source("account_ratio", f"{_RUBIK}/contracts/long-short-account-ratio-contract", 100),
    _source("top_account_ratio", f"{_RUBIK}/contracts/long-short-account-ratio-contract-top-trader", 100),
    _source("top_position_ratio", f"{_RUBIK}/contracts/long-short-position-ratio-contract-top-trader", 100),
)
_FUNDING = _source("funding", "/api/v5/public/funding-rate-history", 400)
_LIQUIDATIONS = _source("liquidations", "/api/v5/public/liquidation-orders", 100)

_DIALECT = Dialect(
    codes={
        "50011": Kind.LIMITED,
        **dict.fromkeys(("50001", "50004", "50013", "50026"), Kind.TRANSIENT),
        **dict.fromkeys(("50014", "50015", "50039", "51000", "51001"), Kind.ITEM),
    },
    silence_ms=2_000,
)


def metadata(coins: Sequence[str] | None) -> list[Request]:
    """Request the instruments, and the tiers of the named coins, five families per request: there is no bulk form.

    Name listed coins only: OKX refuses the whole request for one unknown family.
    """
    listed = _get("instruments", "/api/v5/public/instruments", ("instType", "SWAP"))
    families = [f"{coin}-USDT" for coin in coins or ()]
    return [listed] + [
        _get(
            "margin_tiers",
            "/api/v5/public/position-tiers",
            ("instType", "SWAP"),
            ("tdMode", "isolated"),
            ("instFamily", ",".join(families[first : first + _FAMILIES_A_REQUEST])),
        )
        for first in range(0, len(families), _FAMILIES_A_REQUEST)
    ]


def snapshot(instruments: Sequence[Instrument]) -> list[Request]:
    """Request the open interest of all swaps in one call."""
    if not linear_only(EXCHANGE, instruments):
        return []
    return [_get("open_interest", "/api/v5/public/open-interest", ("instType", "SWAP"))]


def history(instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, bar_minutes: int = 5) -> list[Request]:
    """Request readings every 5 minutes whatever `bar_minutes` is; taker volume has the period of the bars."""
    if bar_minutes not in _PERIODS:
        raise ValueError(f"{EXCHANGE} has no bars of {bar_minutes} minutes; supported are {sorted(_PERIODS)}")
    plan = [(source, bar_minutes) for source in _BARS] + [(source, 5) for source in _READINGS]
    requests = []
    for each in linear_only(EXCHANGE, instruments):
        for source, minutes in plan:
            for start, end in pages(source, start_ms, end_ms, minutes * MINUTE_MS):
                requests.append(_series(source, each.instrument, start, end, minutes))
        requests += [_funding(each.instrument, *window) for window in pages(_FUNDING, start_ms, end_ms, HOUR_MS)]
        if start_ms < end_ms:
            requests.append(_liquidations(each, start_ms, end_ms))
    return requests


def _series(source: Source, instrument: str, start: int, end: int, minutes: int) -> Request:
    """Request one page of a series, with exclusive bounds.

    OKX stamps the start of a period, so readings in (start, end] have stamps in [start, end), as bars do.
    """
    newer, older = str(start - 1), str(end - minutes * MINUTE_MS + 1)
    if source.path.startswith(_RUBIK):
        unit = (("unit", "0"),) if source.endpoint == "taker_volume" else ()  # 0 is coins; contracts by default
        params = (("period", _PERIODS[minutes]), *unit, ("begin", newer), ("end", older))
    else:
        params = (("bar", _PERIODS[minutes]), ("after", older), ("before", newer))
    limit = ("limit", str(source.page))
    return _get(
        source.endpoint, source.path, ("instId", instrument), *params, limit, instrument=instrument, window=(start, end)
    )


def _funding(instrument: str, start: int, end: int) -> Request:
    """Request the settlements at whole minutes in (start, end]."""
    bounds = (("after", str(end + MINUTE_MS)), ("before", str(start + MINUTE_MS - 1)))
    limit = ("limit", str(_FUNDING.page))
    params = (("instId", instrument), *bounds, limit)
    return _get("funding", _FUNDING.path, *params, instrument=instrument, window=(start, end))


def _liquidations(instrument: Instrument, start: int, end: int) -> Request:
    family = instrument.family or instrument.instrument.removesuffix("-SWAP")
    params = (
        ("instType", "SWAP"),
        ("state", "filled"),
        ("instFamily", family),
        ("after", str(end + 1)),
        ("before", str(start)),
        ("limit", str(_LIQUIDATIONS.page)),
    )
    return _get("liquidations", _LIQUIDATIONS.path, *params, instrument=instrument.instrument, window=(start, end))


def _get(
    endpoint: str,
    path: str,
    *params: tuple[str, str],
    instrument: str | None = None,
    window: tuple[int | None, int | None] = (None, None),
) -> Request:
    return Request(EXCHANGE, endpoint, path, params, instrument, window[0], window[1], "okx", f"okx-{endpoint}")


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
    """Request the next older page if this one is full and does not reach the start of the window."""
    params = dict(request.params)
    if "limit" not in params:
        return None
    stamps = rows_of.stamps(request, _data(response))
    if len(stamps) < int(params["limit"]):
        return None
    oldest = min(stamps)
    name, newer = ("end", "begin") if "end" in params else ("after", "before")
    # Liquidations of one instant may straddle two pages: request the oldest instant again, `parse` has dropped it.
    bound = oldest + 1 if rows_of.straddles(request, stamps) else oldest
    if oldest - rows_of.shortest_step(request) <= int(params[newer]) or bound >= int(params[name]):
        return None
    params[name] = str(bound)
    return replace(request, params=tuple(params.items()))


def coarser_period(request: Request) -> Request | None:
    """Request open interest by the hour.

    OKX keeps a fixed number of entries per period, so hours reach back twelve times as far as 5 minutes.
    """
    params = dict(request.params)
    if request.endpoint != "open_interest_history" or params["period"] != _PERIODS[5]:
        return None
    start, end = request.start_ms or 0, request.end_ms or 0
    params |= {"period": _PERIODS[60], "begin": str(start - HOUR_MS), "end": str(end - HOUR_MS + 1)}
    return replace(request, params=tuple(params.items()))


def parse(request: Request, response: Response) -> Mapping[str, Sequence[Row]]:
    """Parse rows by series. Raises ExchangeError if the response is not data."""
    data = _data(response)
    (series,) = ENDPOINTS[request.endpoint]
    if request.start_ms is None:
        rows = rows_of.ALL[request.endpoint](data.cells())
        if not rows:
            raise BadPayload(f"no USDT swap under {request.endpoint}")
        return {series: rows}
    if request.endpoint == "liquidations":
        return {series: rows_of.liquidations(request, data.cells())}
    step = rows_of.step_of(request)
    if series in ("mark_bars", "trade_bars", "taker_volume"):
        return {series: cut_bars(rows_of.bars(series, request, data), request, response, step)}
    return {series: cut_readings(rows_of.readings(request, data), request, response, step)}


def _data(response: Response) -> Columns:
    """Return the envelope's `data`. Errors arrive with status 200 too; only `code` tells them apart."""
    peeked = peek(response)
    failed = str(peeked.get("code", "0")) != "0"
    error = refusal(response, _DIALECT, str(peeked["code"]) if failed else None, peeked.get("msg"))
    if error is not None:
        raise error
    envelope = Cells(read(response), "body")
    if str(envelope.get("code")) != "0":
        raise BadPayload("body has no code")
    return Columns(envelope.get("data"))
