"""What the files of Binance's archive say, row by row."""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from transforms.exchanges.binance_rows import bar
from transforms.exchanges.json_body import Cells
from transforms.exchanges.protocol import BadPayload, Request, Response, Row
from transforms.exchanges.rows import cut_readings, row
from transforms.exchanges.windows import HOUR_MS, MINUTE_MS

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
_GRID_MS = 5 * MINUTE_MS
# From the files of this day on a label is documented to be the start of the five minutes, before it their end.
_LABELS_ARE_STARTS_MS = int(datetime(2026, 6, 25, tzinfo=UTC).timestamp()) * 1000
# All that unzipping says of a file that is broken or of a kind it does not know.
_NO_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
_DAY_MS = 24 * HOUR_MS
_OF_A_MONTH = re.compile(r".*-\d{4}-\d\d\.csv", re.ASCII)
_MONTHS_HELD = 128  # unzipped, about 1 MB each: marks and trades of 64 instruments
_HEADER = -1
_SPELT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def bars(series: str, step_ms: int, request: Request, response: Response) -> list[Row]:
    """Klines, in the columns of the REST answer."""
    return [bar(series, request, step_ms, Cells(*line)) for line in _table(request, response, KLINES)]


def metrics(request: Request, response: Response) -> dict[str, list[Row]]:
    """Open interest and long shares, at the time that the documentation gives to a label.

    Labels have changed their meaning more than once, so a row may be five minutes off either way, and the window is
    cut that much wider; `origin` says `archive` until a mark price has confirmed the time. Of takers the file has a
    ratio without amounts, which is not read: the bars have both.
    """
    readings = {"open_interest": _open_interest, "positioning": _positioning}
    lines = _table(request, response, METRICS)
    cells = _on_grid([Cells(dict(zip(METRICS, line, strict=True)), where) for line, where in lines])
    later = _GRID_MS if (request.start_ms or 0) >= _LABELS_ARE_STARTS_MS else 0
    wider = replace(request, start_ms=(request.start_ms or 0) - _GRID_MS, end_ms=(request.end_ms or 0) + _GRID_MS)
    made = {}
    for series, read in readings.items():
        found = [read(request, label + later, each) for label, each in cells]
        made[series] = cut_readings([one for one in found if one is not None], wider, response, _GRID_MS)
    return made


def _open_interest(request: Request, time_ms: int, cells: Cells) -> Row | None:
    if cells.text("symbol") != request.instrument:
        raise BadPayload(f"{cells.where}: symbol is {cells.text('symbol')}, asked for {request.instrument}")
    reported = cells.maybe("sum_open_interest")
    if reported is None:
        return None
    return row(
        "open_interest",
        instrument=request.instrument,
        time_ms=time_ms,
        reported=reported,
        reported_unit="base",
        sides_counted=1,
        reported_base=reported,
        reported_usd=cells.maybe("sum_open_interest_value"),
        origin="archive",
    )


def _positioning(request: Request, time_ms: int, cells: Cells) -> Row | None:
    ratios = {share: cells.maybe(column) for share, column in _SHARES.items()}
    shares = {share: ratio / (1.0 + ratio) for share, ratio in ratios.items() if ratio is not None}
    return row("positioning", instrument=request.instrument, time_ms=time_ms, **shares) if shares else None


def _label(cells: Cells) -> int:
    """Unix ms: it is spelt as a time in UTC, and in some files a number."""
    spelt = cells.text("create_time")
    if not _SPELT.fullmatch(spelt):
        return cells.time("create_time")
    try:
        return int(datetime.fromisoformat(spelt).replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError as error:
        raise BadPayload(f"{cells.where}: create_time is {spelt!r}") from error


def _on_grid(every: list[Cells]) -> list[tuple[int, Cells]]:
    """Rows by the five minutes that their label falls in; of several the earliest, which is the one on the grid.

    Rows come in any order and all of them twice; two different rows of one label are a contradiction.
    """
    kept: dict[int, tuple[int, Cells]] = {}
    for label, cells in sorted(((_label(each), each) for each in every), key=lambda each: each[0]):
        first, held = kept.setdefault(label - label % _GRID_MS, (label, cells))
        if held is not cells and first == label and any(held.get(column) != cells.get(column) for column in METRICS):
            raise BadPayload(f"{cells.where}: another row for {cells.get('create_time')}")
    return [(slot, cells) for slot, (_, cells) in kept.items()]


def _table(request: Request, response: Response, columns: tuple[str, ...]) -> list[tuple[list[str], str]]:
    """The file's rows in the order of `columns`, and what to call each; some files name their columns, some do not."""
    lines = [line for line in _lines(request, response) if line]
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
    places = [names.index(column) for column in columns]
    return [([line[place] for place in places], f"row {number}") for number, line in enumerate(lines)]


def _lines(request: Request, response: Response) -> list[list[str]]:
    inside = request.path.rpartition("/")[2].removesuffix(".zip") + ".csv"
    unzipped = _of_window(request, response.body, inside)
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
