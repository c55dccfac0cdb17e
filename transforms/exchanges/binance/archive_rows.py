"""Rows of the files in Binance's archive."""

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
from transforms.exchanges.protocol import BadPayload, Request, Response
from transforms.hourly.hours import DAY_MS, MINUTE_MS

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
# As documented: in files from this day on a label is the start of the five minutes, in earlier ones their end.
_LABELS_ARE_STARTS_MS = int(datetime(2026, 6, 25, tzinfo=UTC).timestamp()) * 1000
# Errors of unzipping a file that is broken or of an unsupported kind.
_NO_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
_OF_A_MONTH = re.compile(r".*-\d{4}-\d\d\.csv", re.ASCII)
_MONTHS_HELD = 128  # unzipped, about 1 MB each: marks and trades of 64 instruments
_HEADER = -1
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def bars(series: str, step_ms: int, request: Request, response: Response) -> Rows:
    """Return the klines, in the columns of the REST answer."""
    return klines(series, request, step_ms, Columns(_table(request, response.body, KLINES)))


def metrics(request: Request, response: Response) -> dict[str, Rows]:
    """Return open interest and long shares, at the documented time of their label.

    Labels have changed their meaning more than once, so a row may be five minutes off either way, and the window is
    widened by as much; `origin` is `archive` until a mark price has confirmed the time. The file's taker ratio has no
    amounts and is not read: the bars have both.
    """
    wider = replace(request, start_ms=(request.start_ms or 0) - _GRID_MS, end_ms=(request.end_ms or 0) + _GRID_MS)
    found = _snapshots(request, response.body)
    return {series: cut_readings(rows, wider, response, _GRID_MS) for series, rows in found.items()}


@lru_cache(maxsize=128)  # a file is parsed for each of its series, and for the times of all of them
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
    every.check_instrument("symbol", request.instrument)
    present = [place for place, value in enumerate(every.maybe("sum_open_interest")) if value is not None]
    cells = every.take(present)
    reported = cells.number("sum_open_interest")
    return Rows.of(
        "open_interest",
        len(cells),
        instrument=request.instrument,
        time_ms=[times[place] for place in present],
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
    present = [place for place, values in enumerate(zip(*shares.values(), strict=True)) if values != _NOTHING]
    return made.take(present)


def _label(every: Columns, place: int, text: str) -> int:
    """Return a label in unix ms; it is a time in UTC as text, in some files a number."""
    if not _TIME.fullmatch(text):
        return every.take([place]).time("create_time")[0]
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
    except ValueError as error:
        raise BadPayload(f"{every.where(place)}: create_time is {text!r}") from error


def _on_grid(every: Columns) -> tuple[list[int], Columns]:
    """Return one row per five minutes, by label; of several the earliest, which is the one on the grid.

    Rows come in any order, and all of them may come twice. Raises BadPayload if rows of one label differ.
    """
    texts = every.text("create_time")
    labels = [_label(every, place, text) for place, text in enumerate(texts)]
    kept: dict[int, int] = {}
    for place in sorted(range(len(labels)), key=labels.__getitem__):
        held = kept.setdefault(labels[place] // _GRID_MS * _GRID_MS, place)
        if labels[held] == labels[place] and not every.same(held, place):
            raise BadPayload(f"{every.where(place)}: another row for {texts[place]}")
    return list(kept), every.take(list(kept.values()))


def _table(request: Request, body: bytes, columns: tuple[str, ...]) -> list[list[str]]:
    """Return the file's rows in the order of `columns`; some files have a header, some do not."""
    lines = [line for line in _lines(request, body) if line]
    names = list(columns)
    if lines and not lines[0][0][:1].isdigit():
        names = lines.pop(0)
    missing = [column for column in columns if column not in names]
    if missing:
        raise BadPayload(f"no column {', '.join(missing)} in the file")
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
    unzipped = _window_text(request, body, inside)
    try:
        return list(csv.reader(io.StringIO(unzipped.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadPayload(f"{inside} is no table: {type(error).__name__}") from error


def _window_text(request: Request, body: bytes, inside: str) -> bytes:
    """Return the file's text; of a monthly file only the days of the window, as it is parsed once per day."""
    if not _OF_A_MONTH.fullmatch(inside):
        return _unzipped(body, inside)
    days = _by_day(body, inside)
    wanted = range((request.start_ms or 0) // DAY_MS, -(-(request.end_ms or 0) // DAY_MS))
    return b"".join(days.get(day, b"") for day in (_HEADER, *wanted))


@lru_cache(maxsize=_MONTHS_HELD)
def _by_day(body: bytes, inside: str) -> dict[int, bytes]:
    """Group lines by the day since 1970 of the time they begin with; a line without one is the header."""
    days: dict[int, list[bytes]] = {}
    for line in _unzipped(body, inside).splitlines(keepends=True):
        label = line.partition(b",")[0]
        days.setdefault(int(label) // DAY_MS if label.isdigit() else _HEADER, []).append(line)
    return {day: b"".join(lines) for day, lines in days.items()}


def _unzipped(body: bytes, inside: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return archive.read(inside)
    except KeyError as error:
        raise BadPayload(f"no {inside} in the zip") from error
    except _NO_ZIP as error:
        raise BadPayload("the file is not a readable zip") from error
