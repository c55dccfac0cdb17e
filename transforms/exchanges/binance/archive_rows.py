"""What the files of Binance's archive say."""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from transforms.exchanges.binance.rows import bars as klines
from transforms.exchanges.parsing.columns import Columns
from transforms.exchanges.parsing.rows import Rows, cut_readings
from transforms.exchanges.parsing.windows import HOUR_MS, MINUTE_MS
from transforms.exchanges.protocol import BadPayload, Request, Response

METRICS = (
    "create_time",
    "symbol",
    "sum_open_interest",
    "sum_open_interest_value",
    "count_toptrader_long_short_ratio",
    "sum_toptrader_long_short_ratio",
    "count_long_short_ratio",
    "sum_taker_long_short_vol_ratio",
)
KLINES = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
_SHARES = {
    "long_account_share": "count_long_short_ratio",
    "top_long_account_share": "count_toptrader_long_short_ratio",
    "top_long_position_share": "sum_toptrader_long_short_ratio",
}
_NOTHING = (None,) * len(_SHARES)
_GRID_MS = 5 * MINUTE_MS
_EPOCH, _MILLISECOND = datetime(1970, 1, 1), timedelta(milliseconds=1)
# From the files of this day on a label is documented to be the start of the five minutes, before it their end.
_LABELS_ARE_STARTS_MS = int(datetime(2026, 6, 25, tzinfo=UTC).timestamp()) * 1000
# All that unzipping says of a file that is broken or of a kind it does not know.
_NO_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
_DAY_MS = 24 * HOUR_MS
_OF_A_MONTH = re.compile(r".*-\d{4}-\d\d\.csv", re.ASCII)
_MONTHS_HELD = 128  # unzipped, about 1 MB each: marks and trades of 64 instruments
_HEADER = -1
_SPELT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def bars(series: str, step_ms: int, request: Request, response: Response) -> Rows:
    """Klines, in the columns of the REST answer."""
    return klines(series, request, step_ms, Columns(_table(request, response.body, KLINES)))


def metrics(request: Request, response: Response) -> dict[str, Rows]:
    """Open interest and long shares, at the time that the documentation gives to a label.

    Labels have changed their meaning more than once, so a row may be five minutes off either way, and the window is
    cut that much wider; `origin` says `archive` until a mark price has confirmed the time. Of takers the file has a
    ratio without amounts, which is not read: the bars have both.
    """
    wider = replace(request, start_ms=(request.start_ms or 0) - _GRID_MS, end_ms=(request.end_ms or 0) + _GRID_MS)
    found = _snapshots(request, response.body)
    return {series: cut_readings(rows, wider, response, _GRID_MS) for series, rows in found.items()}


@lru_cache(maxsize=128)  # a file is asked for each of its series, and for the times of all of them
def _snapshots(request: Request, body: bytes) -> dict[str, Rows]:
    lines = _table(request, body, METRICS)
    labels, cells = _on_grid(Columns([dict(zip(METRICS, line, strict=True)) for line in lines]))
    later = _GRID_MS if (request.start_ms or 0) >= _LABELS_ARE_STARTS_MS else 0
    times = [label + later for label in labels]
    return {
        "open_interest": _open_interest(request, times, cells),
        "positioning": _positioning(request, times, cells),
    }


def _open_interest(request: Request, times: list[int], every: Columns) -> Rows:
    every.asked_for("symbol", request.instrument)
    told = [place for place, value in enumerate(every.maybe("sum_open_interest")) if value is not None]
    cells = every.take(told)
    reported = cells.number("sum_open_interest")
    return Rows.of(
        "open_interest",
        len(cells),
        instrument=request.instrument,
        time_ms=[times[place] for place in told],
        reported=reported,
        reported_unit="base",
        sides_counted=1,
        reported_base=reported,
        reported_usd=cells.maybe("sum_open_interest_value"),
        origin="archive",
    )


def _positioning(request: Request, times: list[int], cells: Columns) -> Rows:
    shares = {
        share: [None if ratio is None else ratio / (1.0 + ratio) for ratio in cells.maybe(column)]
        for share, column in _SHARES.items()
    }
    made = Rows.of("positioning", len(cells), instrument=request.instrument, time_ms=times, **shares)
    told = [place for place, of_one in enumerate(zip(*shares.values(), strict=True)) if of_one != _NOTHING]
    return made.take(told)


def _label(every: Columns, place: int, spelt: str) -> int:
    """Unix ms: it is spelt as a time in UTC, and in some files a number."""
    if not _SPELT.fullmatch(spelt):
        return every.take([place]).time("create_time")[0]
    try:
        return (datetime.fromisoformat(spelt) - _EPOCH) // _MILLISECOND
    except ValueError as error:
        raise BadPayload(f"{every.where(place)}: create_time is {spelt!r}") from error


def _on_grid(every: Columns) -> tuple[list[int], Columns]:
    """Rows by the five minutes that their label falls in; of several the earliest, which is the one on the grid.

    Rows come in any order and all of them twice; two different rows of one label are a contradiction.
    """
    spelt = every.text("create_time")
    labels = [_label(every, place, label) for place, label in enumerate(spelt)]
    kept: dict[int, int] = {}
    for place in sorted(range(len(labels)), key=labels.__getitem__):
        held = kept.setdefault(labels[place] // _GRID_MS * _GRID_MS, place)
        if labels[held] == labels[place] and not every.same(held, place):
            raise BadPayload(f"{every.where(place)}: another row for {spelt[place]}")
    return list(kept), every.take(list(kept.values()))


def _table(request: Request, body: bytes, columns: tuple[str, ...]) -> list[list[str]]:
    """The file's rows in the order of `columns`; some files name their columns, some do not."""
    lines = [line for line in _lines(request, body) if line]
    names = list(columns)
    if lines and not lines[0][0][:1].isdigit():
        names = lines.pop(0)
    lacking = [column for column in columns if column not in names]
    if lacking:
        raise BadPayload(f"no column {', '.join(lacking)} in the file")
    if not lines:
        raise BadPayload("no rows in the file")
    for number, line in enumerate(lines):
        if len(line) != len(names):
            raise BadPayload(f"row {number}: {len(line)} cells, not {len(names)}")
    if tuple(names) == columns:
        return lines
    places = [names.index(column) for column in columns]
    return [[line[place] for place in places] for line in lines]


def _lines(request: Request, body: bytes) -> list[list[str]]:
    inside = request.path.rpartition("/")[2].removesuffix(".zip") + ".csv"
    unzipped = _of_window(request, body, inside)
    try:
        return list(csv.reader(io.StringIO(unzipped.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadPayload(f"{inside} is no table: {type(error).__name__}") from error


def _of_window(request: Request, body: bytes, inside: str) -> bytes:
    """The file's text, of a month's file the days of the window: it is read for each of its days."""
    if not _OF_A_MONTH.fullmatch(inside):
        return _unzipped(body, inside)
    days = _by_day(body, inside)
    wanted = range((request.start_ms or 0) // _DAY_MS, -(-(request.end_ms or 0) // _DAY_MS))
    return b"".join(days.get(day, b"") for day in (_HEADER, *wanted))


@lru_cache(maxsize=_MONTHS_HELD)
def _by_day(body: bytes, inside: str) -> dict[int, bytes]:
    """Lines by the day since 1970 that they begin with; what begins with no time stands before all."""
    days: dict[int, list[bytes]] = {}
    for line in _unzipped(body, inside).splitlines(keepends=True):
        label = line.partition(b",")[0]
        days.setdefault(int(label) // _DAY_MS if label.isdigit() else _HEADER, []).append(line)
    return {day: b"".join(lines) for day, lines in days.items()}


def _unzipped(body: bytes, inside: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return archive.read(inside)
    except KeyError as error:
        raise BadPayload(f"no {inside} in the zip") from error
    except _NO_ZIP as error:
        raise BadPayload("the file is no zip that can be read") from error
