"""Rows: made whole, cut back to the window that was asked for, each once."""

from __future__ import annotations

from transforms.exchanges.protocol import SERIES, BadPayload, Request, Response, Row


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


def _window(request: Request) -> tuple[int, int]:
    if request.start_ms is None or request.end_ms is None:
        raise ValueError(f"{request.endpoint} was asked without a window")
    return request.start_ms, request.end_ms


def _same_window(times: list[int], earliest: int, latest: int) -> None:
    """A page that lies wholly elsewhere answers another question; cut to nothing it would look like "no data"."""
    if times and not any(earliest <= time <= latest for time in times):
        raise BadPayload(f"no row in the window: the page runs from {min(times)} to {max(times)}")
