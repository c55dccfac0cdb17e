"""Binance's public archive: zipped daily files, and monthly ones of bars, each with its checksum beside it.

The checksum is requested first. It names the edition of the file, and the file is then requested under that name, so
the stored request says which bytes answer it: others are refused whenever they are read, and a republished file is a
new request. The parameter begins with `x-`, which the store behind the archive ignores.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from transforms.exchanges.binance import archive_rows as rows_of
from transforms.exchanges.binance.rows import INTERVALS, MINUTES
from transforms.exchanges.parsing.errors import Dialect, refusal
from transforms.exchanges.parsing.rows import cut_bars
from transforms.exchanges.parsing.windows import linear_only
from transforms.exchanges.protocol import (
    EDITION,
    BadPayload,
    Budget,
    ExchangeError,
    Instrument,
    NotFound,
    NotYet,
    Request,
    Response,
    Row,
)
from transforms.hourly.hours import DAY_MS, MINUTE_MS

EXCHANGE: str = "binance"
HOSTS: Mapping[str, str] = {"binance_archive": "https://data.binance.vision"}
BUDGETS: Sequence[Budget] = (
    Budget("binance-archive", 600, 60),
)  # no limit is documented; ten files a second are moderate
ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "archive_metrics": ("open_interest", "positioning"),
    "archive_mark_bars": ("mark_bars",),
    "archive_trade_bars": ("trade_bars",),
}

KLINES = {"archive_mark_bars": "markPriceKlines", "archive_trade_bars": "klines"}
_CHECKSUM = ".CHECKSUM"
_SUM = re.compile(r"([0-9a-f]{64}) [ *](\S+)\s*", re.ASCII)
# A daily file is published on the next day or the one after. Later than this it will not come.
_LATEST_MS = 7 * DAY_MS
_DIALECT = Dialect(codes={}, silence_ms=60_000)


def files(
    instruments: Sequence[Instrument], start_ms: int, end_ms: int, *, now_ms: int, bar_minutes: int = 5
) -> list[Request]:
    """Request the daily files that cover [start, end) and have begun by `now_ms`, each by its checksum.

    `next_page` leads on to the file, `of_month` to the monthly file that holds its rows too.
    """
    if bar_minutes not in INTERVALS:
        raise ValueError(f"{EXCHANGE} has no bars of {bar_minutes} minutes; supported are {sorted(INTERVALS)}")
    first, last = _day(start_ms), _day(min(end_ms + DAY_MS - 1, now_ms))
    requests = []
    for each in linear_only(EXCHANGE, instruments):
        for day in _days(first, last):
            requests.append(_metrics(each.instrument, day))
            requests += [_klines(endpoint, each.instrument, bar_minutes, day) for endpoint in KLINES]
    return requests


def of_month(request: Request, now_ms: int) -> Request | None:
    """Return the monthly file of a daily file of bars, once it is published or overdue; else None.

    It has days that the daily files lack. Readings have no monthly file.
    """
    if request.endpoint not in KLINES or is_of_month(request):
        return None
    day = _day(request.start_ms or 0)
    first = day.replace(day=1)
    following = (first + timedelta(32)).replace(day=1)
    if now_ms - _ms(following) < _LATEST_MS:
        return None
    path = request.path.replace("/daily/", "/monthly/").replace(f"{day}", f"{day:%Y-%m}")
    return replace(request, path=path, start_ms=_ms(first), end_ms=_ms(following))


def is_of_month(request: Request) -> bool:
    """Return whether a file covers a month, not a day."""
    return "/monthly/" in request.path


def interval_minutes(request: Request) -> int:
    """Return the length of a file's bars, in minutes."""
    return MINUTES[request.path.split("/")[-2]]


def next_page(request: Request, response: Response) -> Request | None:
    """Request the file of a checksum, under its edition."""
    if not request.path.endswith(_CHECKSUM):
        return None
    edition = ((EDITION, _checksum(request, response)),)
    return replace(request, path=request.path.removesuffix(_CHECKSUM), params=edition)


def parse(request: Request, response: Response) -> Mapping[str, Sequence[Row]]:
    """Parse rows by series; a valid checksum has none. Raises ExchangeError if the response is not data."""
    error = _missing(request, response) if response.status == 404 else refusal(response, _DIALECT, None, None)
    if error is not None:
        raise error
    series = ENDPOINTS[request.endpoint]
    if request.path.endswith(_CHECKSUM):
        _checksum(request, response)
        return {name: [] for name in series}
    _verify(request, response)
    if request.endpoint == "archive_metrics":
        return rows_of.metrics(request, response)
    step = interval_minutes(request) * MINUTE_MS
    bars = rows_of.bars(series[0], step, request, response)
    return {series[0]: cut_bars(bars, request, response, step)}


def _checksum(request: Request, response: Response) -> str:
    name = request.path.rpartition("/")[2].removesuffix(_CHECKSUM)
    found = _SUM.fullmatch(response.body.decode("ascii", "replace"))
    if found is None or found[2] != name:
        raise BadPayload(f"not the checksum of {name}: {response.body[:40].decode('ascii', 'replace')!r}")
    return found[1]


def _verify(request: Request, response: Response) -> None:
    expected = dict(request.params).get(EDITION, "unknown")
    actual = hashlib.sha256(response.body).hexdigest()
    if actual != expected:
        raise BadPayload(
            f"sha256 is {actual[:12]} of {len(response.body)} bytes, the checksum says {expected[:12]}: "
            "cut short, or published again meanwhile"
        )


def _missing(request: Request, response: Response) -> ExchangeError:
    """Return the error of a missing file: NotYet soon after its last day, NotFound later."""
    name, end_ms = request.path.rpartition("/")[2], request.end_ms or 0
    days = (response.received_ms - end_ms) // DAY_MS
    if response.received_ms - end_ms < _LATEST_MS:
        return NotYet(f"HTTP 404: {name} is not published yet; asked {days} days after its end")
    return NotFound(f"HTTP 404: {name} is not in the archive; {days} days after its end it will not come")


def _metrics(instrument: str, day: date) -> Request:
    path = f"/data/futures/um/daily/metrics/{instrument}/{instrument}-metrics-{day}.zip"
    return _request("archive_metrics", path, instrument, day)


def _klines(endpoint: str, instrument: str, minutes: int, day: date) -> Request:
    interval = INTERVALS[minutes]
    folder = f"/data/futures/um/daily/{KLINES[endpoint]}/{instrument}/{interval}"
    return _request(endpoint, f"{folder}/{instrument}-{interval}-{day}.zip", instrument, day)


def _request(endpoint: str, path: str, instrument: str, day: date) -> Request:
    return Request(
        EXCHANGE,
        endpoint,
        path + _CHECKSUM,
        instrument=instrument,
        start_ms=_ms(day),
        end_ms=_ms(day) + DAY_MS,
        host="binance_archive",
        budget="binance-archive",
    )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days)]


def _day(moment_ms: int) -> date:
    return datetime.fromtimestamp(moment_ms // 1000, UTC).date()


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
