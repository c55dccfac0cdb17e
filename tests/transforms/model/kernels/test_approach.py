"""The incremental approach of the mark equals, bit for bit, the sum of the moves at any hour."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.model.assumptions import WINDOWS_H
from transforms.model.kernels.approach import FARTHEST, UNREACHED, WHOLE, Approach, farthest, logs, powers
from transforms.model.population import BREADTH, Population
from transforms.model.price_grid import middle

FIRST_H = 490_920
SIDES = st.sampled_from([+1, -1])
few = settings(deadline=None, max_examples=30)
both_sides = pytest.mark.parametrize("s", [+1, -1])


def walk(seed: int, s: int, hours: int, jump: int) -> list[tuple[int, int, int]]:
    """Return (before, after, mark) in buckets per hour; some hours are unknown, and the mark may jump."""
    rng = np.random.default_rng(seed)
    mark, made = 4605, []
    for _ in range(hours):
        before = mark
        after = before - s * int(rng.integers(0, 9) * (rng.random() < 0.8))
        mark += int(rng.integers(-9, 10)) + int(rng.integers(-jump, jump + 1) * (rng.random() < 0.02))
        known = rng.random() < 0.9
        made.append((before, after, mark) if known else (s * UNREACHED, s * UNREACHED, mark))
    return made


def added_up(moves: np.ndarray, s: int, hour_h: int, length_h: int, origin: int) -> np.ndarray:
    """Compute the approach by definition, move by move, in floating point."""
    at, total = origin + np.arange(BREADTH), np.zeros(BREADTH)
    for age_h in range(length_h):
        before, after = (int(bucket) for bucket in moves[(hour_h - age_h) % len(moves)])
        if abs(before) != UNREACHED:
            total += np.log(np.maximum(s * (after - at), 1) / np.maximum(s * (before - at), 1))
    return total


@few
@given(seed=st.integers(0, 10**6), s=SIDES, hours=st.integers(1, 900), jump=st.sampled_from([0, 60, 800]))
def test_incremental_approach_equals_recomputation_bit_for_bit(seed: int, s: int, hours: int, jump: int) -> None:
    """This holds for any moves and axis shifts, and after a store and reload at any hour."""
    rng = np.random.default_rng(seed + 1)
    carried = Population.empty(s, float(middle(4605)))
    other = Population.empty(s, carried.mark)
    for n, (before, after, mark) in enumerate(walk(seed, s, hours, jump)):
        hour_h = FIRST_H + n
        for crowd in (carried, other):
            crowd.mark = float(middle(mark))
            crowd.record_move(hour_h, before, after)
        if rng.random() < 0.02:  # stored and reloaded, which keeps only the moves
            other = Population(s, other.mark, other.cells, other.moves.copy())
        one, two = carried.approach(hour_h), other.approach(hour_h)
        assert np.array_equal(carried.moves, other.moves)
        windows = range(1, 1 + len(WINDOWS_H)) if n % 97 == 0 or n == hours - 1 else ()
        for window in windows:
            told = one.of(window, carried.origin)
            assert np.array_equal(told, two.of(window, carried.origin))
            anew = Approach(carried.moves, s, hour_h, carried.origin, BREADTH)
            assert np.array_equal(told, anew.of(window, carried.origin))
            truth = added_up(carried.moves, s, hour_h, WINDOWS_H[window - 1], carried.origin)
            assert np.allclose(told / WHOLE, truth, rtol=1e-10, atol=1e-10)


@both_sides
def test_skipped_hour_recomputes_the_approach(s: int) -> None:
    crowd = Population.empty(s, 100.0)
    for hour_h in (FIRST_H, FIRST_H + 1, FIRST_H + 30):
        crowd.record_move(hour_h, 4600, 4600 - 5 * s)
        anew = Approach(crowd.moves, s, hour_h, crowd.origin, BREADTH)
        for window in (1, 2, 3):
            assert np.array_equal(crowd.approach(hour_h).of(window, crowd.origin), anew.of(window, crowd.origin))


@both_sides
def test_clear_forgets_past_moves(s: int) -> None:
    crowd = Population.empty(s, 100.0)
    crowd.record_move(FIRST_H, 4600, 4600 - 5 * s)
    assert crowd.approach(FIRST_H).of(1, crowd.origin).any()
    crowd.clear()
    crowd.record_move(FIRST_H + 1, s * UNREACHED, s * UNREACHED)
    assert not crowd.approach(FIRST_H + 1).of(3, crowd.origin).any()


@both_sides
def test_log_distances_are_one_sided_and_the_mark_counts_as_one_bucket(s: int) -> None:
    own = logs(s)[::s]
    assert own[FARTHEST:].tolist() == [0] * (FARTHEST + 1)
    assert own[FARTHEST - 7] / WHOLE == pytest.approx(np.log(7), rel=1e-12)
    assert powers(s, 0.5)[FARTHEST - 9 * s] == pytest.approx(3.0, rel=1e-12)
    assert int(own[0]) * 2 * WINDOWS_H[-1] < 2**63


@few
@given(seed=st.integers(0, 10**6), s=SIDES, length=st.sampled_from(WINDOWS_H))
def test_farthest_equals_the_extreme_of_the_window(seed: int, s: int, length: int) -> None:
    crowd = Population.empty(s, 100.0)
    made = walk(seed, s, 800, 60)
    for n, (before, after, _) in enumerate(made):
        crowd.record_move(FIRST_H + n, before, after)
    came = [after for before, after, _ in made[-length:] if before != after]
    assert farthest(crowd.moves, s, FIRST_H + len(made) - 1, length) == (min if s > 0 else max)([s * UNREACHED, *came])
