"""OKX v5: swaps settled in USDT.

Open interest is in contracts, and the exchange does not say how many sides it counts. Bounds are exclusive, `after`/`end`
is the later one, and answers come newest first. Periods from 6 hours up are in UTC+8 and are not used.

History is asked of the `history-*` endpoints only: the plain ones end 1,440 bars ago, nothing here knows how long ago a
window is, and a finished bar is the same in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from transforms.exchanges.okx import rows as rows_of
from transforms.exchanges.parsing.columns import Columns
from transforms.exchanges.parsing.errors import Dialect, Kind, refusal
from transforms.exchanges.parsing.json_body import Cells, peek, read
from transforms.exchanges.parsing.rows import cut_bars, cut_readings
from transforms.exchanges.parsing.windows import HOUR_MS, MINUTE_MS, Source, linear_only, pages
from transforms.exchanges.protocol import BadPayload, Budget, Instrument, Request, Response, Row

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
# Requests in 2 seconds, for each endpoint by itself. Some count by instrument too; by IP alone is within both.
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
    """Instruments, and tiers of the named coins, five families a request: there is no form for all.

    Name coins that are listed: the exchange refuses a request whole for one family that it does not know.
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
    """One answer for all swaps."""
    if not linear_only(EXCHANGE, instruments):
        return []
    return [_get("open_interest", "/api/v5/public/open-interest", ("instType", "SWAP"))]


def history(instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, bar_minutes: int = 5) -> list[Request]:
    """Readings every 5 minutes whatever the bars are; taker volume as the bars, which it belongs to."""
    if bar_minutes not in _PERIODS:
        raise ValueError(f"{EXCHANGE} has no bars of {bar_minutes} minutes here; there are {sorted(_PERIODS)}")
    plan = [(source, bar_minutes) for source in _BARS] + [(source, 5) for source in _READINGS]
    asked = []
    for each in linear_only(EXCHANGE, instruments):
        for source, minutes in plan:
            for start, end in pages(source, start_ms, end_ms, minutes * MINUTE_MS):
                asked.append(_series(source, each.instrument, start, end, minutes))
        asked += [_funding(each.instrument, *window) for window in pages(_FUNDING, start_ms, end_ms, HOUR_MS)]
        if start_ms < end_ms:
            asked.append(_liquidations(each, start_ms, end_ms))
    return asked


def _series(source: Source, instrument: str, start: int, end: int, minutes: int) -> Request:
    """Stamps are when a period opens, so readings in (start, end] open in [start, end) as bars do. Bounds exclude."""
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
    """Settlements at whole minutes in (start, end]."""
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
    """None: there is no archive that is read."""
    return []


def fallback(request: Request) -> list[Request]:
    """None."""
    return []


def monthly_file(request: Request, *, now_ms: int) -> Request | None:
    """None."""
    return None


def next_page(request: Request, response: Response) -> Request | None:
    """The next older page, when this one is full and does not reach the start of the window."""
    params = dict(request.params)
    if "limit" not in params:
        return None
    stamps = rows_of.stamps(request, _data(response))
    if len(stamps) < int(params["limit"]):
        return None
    oldest = min(stamps)
    name, newer = ("end", "begin") if "end" in params else ("after", "before")
    # Liquidations of one instant may straddle two pages: ask for the oldest instant again, `parse` has left it out.
    bound = oldest + 1 if rows_of.straddles(request, stamps) else oldest
    if oldest - rows_of.shortest_step(request) <= int(params[newer]) or bound >= int(params[name]):
        return None
    params[name] = str(bound)
    return replace(request, params=tuple(params.items()))


def coarser_period(request: Request) -> Request | None:
    """Open interest by the hour.

    The exchange keeps so many entries of each period, so hours reach back twelve times as far.
    """
    params = dict(request.params)
    if request.endpoint != "open_interest_history" or params["period"] != _PERIODS[5]:
        return None
    start, end = request.start_ms or 0, request.end_ms or 0
    params |= {"period": _PERIODS[60], "begin": str(start - HOUR_MS), "end": str(end - HOUR_MS + 1)}
    return replace(request, params=tuple(params.items()))


def parse(request: Request, response: Response) -> Mapping[str, Sequence[Row]]:
    """Rows by series, or an ExchangeError."""
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
    """The envelope's `data`. Status 200 says nothing here; `code` does."""
    said = peek(response)
    failed = str(said.get("code", "0")) != "0"
    error = refusal(response, _DIALECT, str(said["code"]) if failed else None, said.get("msg"))
    if error is not None:
        raise error
    envelope = Cells(read(response), "body")
    if str(envelope.get("code")) != "0":
        raise BadPayload("body has no code")
    return Columns(envelope.get("data"))
