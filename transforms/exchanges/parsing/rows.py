"""Rows: stored as columns, completed, cut to the requested window and freed of duplicates."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from operator import gt, lt
from typing import Any, TypeVar, overload

from transforms.exchanges.parsing.json_body import Cells
from transforms.exchanges.protocol import SERIES, BadPayload, Request, Response, Row

_Item = TypeVar("_Item")


def row(series: str, **values: object) -> Row:
    """Return a full row of the series; columns not given are null. Raises ValueError for an unknown column."""
    unknown = values.keys() - SERIES[series].keys()
    if unknown:
        raise ValueError(f"{series} has no column {', '.join(sorted(unknown))}")
    return {column: values.get(column) for column in SERIES[series]}


class Rows(Sequence[Row]):
    """Rows of one series, held as columns."""

    __slots__ = ("columns",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self.columns = columns

    @classmethod
    def of(cls, series: str, length: int, **values: object) -> Rows:
        """Build full rows of the series: a list is a column, any other value repeats; columns not given are null."""
        whole = row(series, **values)
        return cls({c: value if isinstance(value, list) else [value] * length for c, value in whole.items()})

    @classmethod
    def gathered(cls, names: Iterable[str], rows: Sequence[Row]) -> Rows:
        """Gather the columns `names` of single rows."""
        return rows if isinstance(rows, cls) else cls({c: [each[c] for each in rows] for c in names})

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @overload
    def __getitem__(self, place: int) -> Row: ...

    @overload
    def __getitem__(self, place: slice) -> Rows: ...

    def __getitem__(self, place: int | slice) -> Row | Rows:
        cut = {c: values[place] for c, values in self.columns.items()}
        return Rows(cut) if isinstance(place, slice) else cut

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __repr__(self) -> str:
        return f"Rows({self.columns!r})"

    def take(self, places: Sequence[int]) -> Rows:
        """Return the rows at `places`, in that order."""
        return Rows({c: [values[place] for place in places] for c, values in self.columns.items()})


def cut_bars(rows: Rows, request: Request, response: Response, step_ms: int) -> Rows:
    """Return the bars that open in [start, end) and had closed when the answer came, oldest first, each once."""
    start, end = _window(request)
    ended = _until(rows, "open_ms", response.received_ms - step_ms)
    _same_window(ended.columns["open_ms"], start - step_ms, end + step_ms)
    return _within(ended, "open_ms", start, end - 1)


def cut_readings(rows: Rows, request: Request, response: Response, step_ms: int) -> Rows:
    """Return the readings in (start, end] that were not ahead of the answer, oldest first, each once."""
    start, end = _window(request)
    known = _until(rows, "time_ms", response.received_ms)
    _same_window(known.columns["time_ms"], start - step_ms, end + step_ms)
    return _within(known, "time_ms", start + 1, end)


def _until(rows: Rows, key: str, last: int) -> Rows:
    times = rows.columns[key]
    return rows if max(times, default=last) <= last else rows.take([n for n, at in enumerate(times) if at <= last])


def _within(rows: Rows, key: str, first: int, last: int) -> Rows:
    """Return the rows from `first` to `last`, oldest first, each once."""
    times = rows.columns[key]
    if all(map(gt, times, times[1:])):
        rows, times = rows[::-1], times[::-1]
    if all(map(lt, times, times[1:])):
        return rows[bisect_left(times, first) : bisect_right(times, last)]
    found = rows.take([place for place, at in enumerate(times) if first <= at <= last])
    return Rows.gathered(rows.columns, unique(list(found), key))


def unique(rows: list[Row], key: str) -> list[Row]:
    """Return one row per `key`, sorted. Raises BadPayload if rows of one key differ."""
    kept: dict[object, Row] = {}
    for candidate in sorted(rows, key=lambda each: each[key]):
        if kept.setdefault(candidate[key], candidate) != candidate:
            raise BadPayload(f"two different rows for {key} {candidate[key]}")
    return list(kept.values())


def readable(
    items: Iterable[_Item], read: Callable[[_Item], list[Row]], idle: Callable[[_Item], bool] = lambda _: False
) -> list[Row]:
    """Return the rows of an answer about all instruments, without the items that cannot be read.

    Exchanges list unfinished contracts, and one of them must not hide the hundreds beside it. More unreadable than
    readable items mean a changed schema: raises BadPayload. Items that are not traded (`idle`), and items that `read`
    turns into no rows, count on neither side.
    """
    rows: list[Row] = []
    bad: list[str] = []
    good = 0
    for item in items:
        traded = not idle(item)
        try:
            found = read(item)
        except BadPayload as error:
            if traded:
                bad.append(error.reason)
            continue
        rows += found
        good += 1 if found and traded else 0
    if len(bad) > good:
        raise BadPayload(f"only {good} of {good + len(bad)} rows are readable; {bad[0]}")
    return rows


def grouped(all_cells: Iterable[Cells], key: str, ending: str) -> list[tuple[str, list[Cells]]]:
    """Group records by the name under `key`; returns the names with that ending, sorted.

    Raises BadPayload for a record without a name: any group may lack that tier.
    """
    groups: dict[str, list[Cells]] = {}
    for each in all_cells:
        groups.setdefault(each.text(key), []).append(each)
    return sorted((name, cells) for name, cells in groups.items() if name.endswith(ending))


def _window(request: Request) -> tuple[int, int]:
    if request.start_ms is None or request.end_ms is None:
        raise ValueError(f"{request.endpoint} was requested without a window")
    return request.start_ms, request.end_ms


def _same_window(times: list[int], earliest: int, latest: int) -> None:
    """Raise BadPayload for a page wholly outside the window: cut to nothing, it would look like "no data"."""
    if times and not any(earliest <= time <= latest for time in times):
        raise BadPayload(f"no row in the window: the page runs from {min(times)} to {max(times)}")
