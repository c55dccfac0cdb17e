from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.exchanges.parsing.rows import Rows, cut_bars, cut_readings, row, unique
from transforms.exchanges.parsing.windows import Source, pages
from transforms.exchanges.protocol import BadPayload, Request, Response

STEP = 300_000
BASE = 1790550000000


def times_held(start: int, end: int, *, bars: bool) -> list[int]:
    grid = range(BASE - 10 * STEP, BASE + 300 * STEP, STEP)
    return [time for time in grid if (start <= time < end if bars else start < time <= end)]


@settings(max_examples=60, derandomize=True, database=None)
@given(
    st.integers(0, 20 * STEP).map(lambda offset: BASE + offset),
    st.integers(0, 200 * STEP),
    st.integers(1, 50),
    st.booleans(),
)
def test_pages_cover_the_range_exactly(start: int, length: int, limit: int, bars: bool) -> None:
    source = Source("any", "/any", "any", limit, bars)
    windows = list(pages(source, start, start + length, STEP))
    held = [time for low, high in windows for time in times_held(low, high, bars=bars)]
    assert held == times_held(start, start + length, bars=bars)
    assert all(0 < high - low <= limit * STEP for low, high in windows)


def question(end_ms: int = BASE + 3 * STEP) -> Request:
    return Request("any", "any", "/any", start_ms=BASE, end_ms=end_ms)


def at(received_ms: int = BASE + 100 * STEP) -> Response:
    return Response(200, {}, b"", received_ms)


def bars_at(*opens: int) -> Rows:
    return Rows.of("mark_bars", len(opens), open_ms=[BASE + number * STEP for number in opens])


def readings_at(*times: int) -> Rows:
    return Rows.of("open_interest", len(times), time_ms=[BASE + number * STEP for number in times])


def test_bars_are_cut_by_their_open() -> None:
    cut = cut_bars(bars_at(3, 2, -1, 0, 2, 1), question(), at(), STEP)
    assert [bar["open_ms"] for bar in cut] == [BASE, BASE + STEP, BASE + 2 * STEP]


def test_readings_are_cut_by_their_end() -> None:
    cut = cut_readings(readings_at(4, 3, 1, 0, 1), question(), at(), STEP)
    assert [reading["time_ms"] for reading in cut] == [BASE + STEP, BASE + 3 * STEP]


def test_unfinished_rows_are_excluded() -> None:
    assert [bar["open_ms"] for bar in cut_bars(bars_at(0, 1), question(), at(BASE + 2 * STEP - 1), STEP)] == [BASE]
    assert not cut_readings(readings_at(1), question(), at(BASE + STEP - 1), STEP)


def test_page_outside_the_window_is_refused() -> None:
    with pytest.raises(BadPayload, match="no row in the window"):
        cut_bars(bars_at(50, 51), question(), at(), STEP)
    assert not cut_bars(bars_at(-1, 3), question(), at(), STEP)
    assert not cut_readings(readings_at(), question(), at(), STEP)


@pytest.mark.parametrize("cut", [cut_bars, cut_readings])
def test_cut_requires_a_window(cut: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="without a window"):
        cut([], Request("any", "any", "/any"), at(), STEP)


def test_time_with_two_values_is_refused() -> None:
    twice = [row("mark_bars", open_ms=BASE, close=price) for price in (1.0, 2.0)]
    with pytest.raises(BadPayload, match="two different rows"):
        unique(twice, "open_ms")


def test_unknown_column_is_refused() -> None:
    with pytest.raises(ValueError, match="price"):
        row("mark_bars", price=1.0)
