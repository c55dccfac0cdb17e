"""Rows: made whole, cut back to the window that was asked for, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from transforms.exchanges.json_body import Cells
from transforms.exchanges.protocol import SERIES, BadPayload, Request, Response, Row

_Item = TypeVar("_Item")


def row(series: str, **values: object) -> Row:
    """A whole row of the series; a column that is not given is null."""
    unknown = values.keys() - SERIES[series].keys()
    if unknown:
        raise ValueError(f"{series} has no column {', '.join(sorted(unknown))}")
    return {column: values.get(column) for column in SERIES[series]}


def cut_bars(rows: list[Row], request: Request, response: Response, step_ms: int) -> list[Row]:
    """Bars that open in [start, end) and were over when the answer came, oldest first, each once."""
    start, end = _window(request)
    ended = [bar for bar in rows if bar["open_ms"] + step_ms <= response.received_ms]
    _same_window([bar["open_ms"] for bar in ended], start - step_ms, end + step_ms)
    return unique([bar for bar in ended if start <= bar["open_ms"] < end], "open_ms")


def cut_readings(rows: list[Row], request: Request, response: Response, step_ms: int) -> list[Row]:
    """Readings in (start, end] that were not ahead of the answer, oldest first, each once."""
    start, end = _window(request)
    known = [reading for reading in rows if reading["time_ms"] <= response.received_ms]
    _same_window([reading["time_ms"] for reading in known], start - step_ms, end + step_ms)
    return unique([reading for reading in known if start < reading["time_ms"] <= end], "time_ms")


def unique(rows: list[Row], key: str) -> list[Row]:
    """Rows by `key`, each once. One key with two values is not a repetition but a contradiction."""
    kept: dict[object, Row] = {}
    for candidate in sorted(rows, key=lambda each: each[key]):
        if kept.setdefault(candidate[key], candidate) != candidate:
            raise BadPayload(f"two different rows for {key} {candidate[key]}")
    return list(kept.values())


def readable(
    items: Iterable[_Item], read: Callable[[_Item], list[Row]], idle: Callable[[_Item], bool] = lambda _: False
) -> list[Row]:
    """The rows of an answer about everything, without the items that cannot be read.

    Venues list contracts that are not finished yet, and one of those must not hide the hundreds beside it. When more
    items are unreadable than not, it is the schema that changed. What is `idle` is not traded: it counts on neither
    side. What `read` finds to be none of ours (no rows) counts on neither side either.
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
    """Records by the name under `key`, of names with that ending, sorted.

    Strict: a tier that does not say whose it is may be missing anywhere.
    """
    groups: dict[str, list[Cells]] = {}
    for each in all_cells:
        groups.setdefault(each.text(key), []).append(each)
    return sorted((name, cells) for name, cells in groups.items() if name.endswith(ending))


def _window(request: Request) -> tuple[int, int]:
    if request.start_ms is None or request.end_ms is None:
        raise ValueError(f"{request.endpoint} was asked without a window")
    return request.start_ms, request.end_ms


def _same_window(times: list[int], earliest: int, latest: int) -> None:
    """A page that lies wholly elsewhere answers another question; cut to nothing it would look like "no data"."""
    if times and not any(earliest <= time <= latest for time in times):
        raise BadPayload(f"no row in the window: the page runs from {min(times)} to {max(times)}")
