"""The compiled loops against plain ones: every cell by its definition, both sides, off the axis and on its edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.model.kernel import age, give_up, move, place, sweep
from transforms.model.price_grid import Floats, Ints

AGES, CLASSES, HOLDINGS, BREADTH = 3, 2, 2, 24
AXIS = np.arange(BREADTH)
SIDES = st.sampled_from([+1, -1])
SEEDS = st.integers(0, 2**32 - 1)
CUTS = st.integers(0, BREADTH)
anywhere = st.floats(-10.0, BREADTH + 10.0)
few = settings(deadline=None, max_examples=100)


def crowd(seed: int) -> Floats:
    """Cells of all magnitudes, many empty, windows nested."""
    rng = np.random.default_rng(seed)
    shape = (AGES, CLASSES, HOLDINGS, BREADTH)
    shares = np.cumprod(np.where(rng.random(shape) < 0.2, 1.0, rng.random(shape)), axis=0)
    return np.asarray(shares * 10.0 ** rng.uniform(-6, 6, shape[1:]) * (rng.random(shape[1:]) < 0.7))


def kept_of(seed: int) -> Floats:
    return np.random.default_rng(seed).uniform(0.5, 1.0, HOLDINGS)


def near(one: Floats, other: Floats) -> bool:
    return np.allclose(one, other, rtol=1e-12, atol=0.0)


@dataclass(frozen=True)
class Opening:
    """What `place` is told: coins by entry bucket from `entry`, and each class's shares by distance."""

    entry: int
    coins: Floats
    first: Ints
    shares: Floats
    length: Ints

    def into(self, cells: Floats, s: int, cut: int, kept: Floats, swept: Floats) -> None:
        place(cells, s, cut, self.entry, self.coins, self.first, self.shares, self.length, kept, swept)

    def mirrored(self) -> Opening:
        turned = np.zeros_like(self.shares)
        for row, own, n in zip(turned, self.shares, self.length, strict=True):
            row[:n] = own[:n][::-1]
        entry = BREADTH - 1 - (self.entry + len(self.coins) - 1)
        return Opening(entry, self.coins[::-1].copy(), -(self.first + self.length - 1), turned, self.length)


def opening(seed: int) -> Opening:
    rng = np.random.default_rng(seed)
    length = rng.integers(1, 8, CLASSES)
    shares = rng.random((CLASSES, 7)) * (np.arange(7) < length[:, None]) * (rng.random((CLASSES, 7)) < 0.8)
    coins = rng.random(int(rng.integers(1, 6))) * 100.0
    return Opening(int(rng.integers(-8, BREADTH + 8)), coins, rng.integers(-12, 12, CLASSES), shares, length)


def reached(s: int, cut: int) -> np.ndarray:
    return np.greater_equal(AXIS, cut) if s > 0 else np.less(AXIS, cut)


@few
@given(seed=SEEDS, s=SIDES, cut=CUTS)
def test_a_sweep_empties_what_was_reached_and_counts_it(seed: int, s: int, cut: int) -> None:
    cells, kept, before = crowd(seed), kept_of(seed), crowd(seed)
    swept = np.ones((CLASSES, HOLDINGS))
    sweep(cells, s, cut, kept, swept)
    assert near(swept, 1.0 + before[0][..., reached(s, cut)].sum(axis=-1) * kept)
    assert np.array_equal(cells, np.where(reached(s, cut), 0.0, before))
    again = swept.copy()
    sweep(cells, s, cut, kept, again)
    assert np.array_equal(again, swept)


@few
@given(seed=SEEDS, s=SIDES, before=anywhere, after=anywhere, strength=st.floats(0.0, 2.0))
def test_what_the_mark_came_nearer_to_is_thinned(
    seed: int, s: int, before: float, after: float, strength: float
) -> None:
    """By the shares of the first distance: at most all of it before, at least a bucket after, and never in retreat."""
    cells, expected = crowd(seed), crowd(seed)
    distance = np.random.default_rng(seed).uniform(1.0, 1.5 * BREADTH, CLASSES)
    give_up(cells, s, before, after, distance, strength)
    was, now = s * (before - AXIS), s * (after - AXIS)
    for k, reach in enumerate(distance):
        a, b = np.minimum(was, reach), np.clip(now, 1.0, reach)
        nearer = (was > 0.0) & (b < a)
        expected[:, k] *= np.where(nearer, b / np.where(nearer, a, 1.0), 1.0) ** strength
    assert near(cells, expected)
    assert (cells <= crowd(seed)).all()


def test_half_the_way_at_a_strength_of_one_half() -> None:
    """Of a class 16 buckets away: what lay 8 away lies 4 away, what lay 20 away, 16. The other class begins at 4."""
    cells = np.ones((1, 2, 1, BREADTH))
    give_up(cells, +1, 20.0, 16.0, np.array([16.0, 4.0]), 0.5)
    assert cells[0, :, 0, 12] == pytest.approx([0.5**0.5, 1.0])
    assert cells[0, :, 0, 0] == pytest.approx([1.0, 1.0])
    assert cells[0, 0, 0, 2] == pytest.approx((14 / 16) ** 0.5)
    assert cells[0, 0, 0, 18:] == pytest.approx([0.5**0.5, 1.0, 1, 1, 1, 1])  # from 2 to 1 is the least; 19 is at 1


@few
@given(seed=SEEDS, s=SIDES, stops=st.tuples(anywhere, anywhere, anywhere), strength=st.floats(0.0, 2.0))
def test_in_two_moves_as_in_one(seed: int, s: int, stops: tuple[float, float, float], strength: float) -> None:
    first, between, last = sorted(stops, reverse=s > 0)
    distance = np.array([5.0, 40.0])
    one, two = crowd(seed), crowd(seed)
    give_up(one, s, first, last, distance, strength)
    give_up(two, s, first, between, distance, strength)
    give_up(two, s, between, last, distance, strength)
    assert np.allclose(one, two, rtol=1e-12, atol=0.0)


@few
@given(seed=SEEDS, s=SIDES, cut=CUTS)
def test_every_coin_is_placed_at_its_distance_or_was_swept(seed: int, s: int, cut: int) -> None:
    cells, expected, kept, told = crowd(seed), crowd(seed), kept_of(seed), opening(seed)
    swept, gone = np.zeros((CLASSES, HOLDINGS)), np.zeros((CLASSES, HOLDINGS))
    told.into(cells, s, cut, kept, swept)
    added = np.zeros((CLASSES, BREADTH))
    for k in range(CLASSES):
        for i, coins in enumerate(told.coins):
            for j in range(told.length[k]):
                at = min(max(told.entry + i + told.first[k] + j, 0), BREADTH - 1)  # off the axis: at its edge
                if reached(s, cut)[at]:
                    gone[k] += coins * told.shares[k, j]
                else:
                    added[k, at] += coins * told.shares[k, j]
    expected += added[:, None, :] / kept[:, None]
    assert near(swept, gone)
    assert near(cells, expected)
    whole = (told.coins.sum() * told.shares.sum(axis=1))[:, None]
    assert near(swept + added.sum(axis=1)[:, None], np.broadcast_to(whole, swept.shape))


@few
@given(seed=SEEDS, rank=st.integers(0, BREADTH * CLASSES * HOLDINGS - 1), size=st.sampled_from([0.0, 0.1, 2.0]))
def test_age_keeps_a_share_and_lets_leave(seed: int, rank: int, size: float) -> None:
    cells, kept, before = crowd(seed), kept_of(seed), crowd(seed)
    leaving = before[1:] * np.random.default_rng(seed).uniform(0.0, size, before[1:].shape)
    expected = before * kept[:, None]
    dust = float(np.sort(expected[0].ravel())[rank])  # as much as one of the cells, which stays
    age(cells, leaving, kept, dust)
    stay = expected[0] >= dust
    expected[1:] = np.maximum(expected[1:] - leaving, 0.0)
    for i in range(AGES - 1, 0, -1):  # each within the one around it: the last window within all that stands
        around = expected[0] if i == AGES - 1 else expected[i + 1]
        expected[i] = np.minimum(expected[i], around)
    assert np.array_equal(cells, np.where(stay, expected, 0.0))


@few
@given(seed=SEEDS, shift=st.integers(-BREADTH - 3, BREADTH + 3).filter(bool))
def test_a_moved_axis_keeps_every_coin_at_its_price_or_at_the_edge(seed: int, shift: int) -> None:
    cells, before, expected = crowd(seed), crowd(seed), np.zeros_like(crowd(seed))
    move(cells, shift)
    for b in range(BREADTH):
        expected[..., min(max(b - shift, 0), BREADTH - 1)] += before[..., b]
    assert near(cells, expected)
    assert (np.diff(cells, axis=0) <= 0.0).all()  # windows nest as they did


@few
@given(seed=SEEDS, cut=CUTS, before=anywhere, after=anywhere)
def test_shorts_are_longs_in_a_mirror(seed: int, cut: int, before: float, after: float) -> None:
    made = []
    for s in (+1, -1):
        turn = slice(None, None, s)
        cells, kept, swept = crowd(seed)[..., turn].copy(), kept_of(seed), np.zeros((CLASSES, HOLDINGS))
        x = (before, after) if s > 0 else (BREADTH - 1 - before, BREADTH - 1 - after)
        give_up(cells, s, *x, np.array([5.0, 40.0]), 0.3)
        sweep(cells, s, cut if s > 0 else BREADTH - cut, kept, swept)
        told = opening(seed) if s > 0 else opening(seed).mirrored()
        told.into(cells, s, cut if s > 0 else BREADTH - cut, kept, swept)
        made.append((cells[..., turn], swept))
    assert np.allclose(made[0][0], made[1][0], rtol=1e-9, atol=0.0)
    assert np.allclose(made[0][1], made[1][1], rtol=1e-9, atol=0.0)


@few
@given(seed=SEEDS, s=SIDES, cut=CUTS, before=anywhere, after=anywhere)
def test_the_whole_is_the_sum_of_its_parts(seed: int, s: int, cut: int, before: float, after: float) -> None:
    one, other, kept = crowd(seed), crowd(seed + 1), kept_of(seed)
    nothing = np.zeros((AGES - 1, *one.shape[1:]))
    parts, counts = [one, other, one + other], np.zeros((3, CLASSES, HOLDINGS))
    for cells, swept in zip(parts, counts, strict=True):
        give_up(cells, s, before, after, np.array([5.0, 40.0]), 0.3)
        sweep(cells, s, cut, kept, swept)
        age(cells, nothing, kept, 0.0)
    assert near(parts[0] + parts[1], parts[2])
    assert near(counts[0] + counts[1], counts[2])
