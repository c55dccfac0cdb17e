"""Compiled kernels against plain loops: every cell by definition, both sides, on and beyond the axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.model.kernels.approach import powers
from transforms.model.kernels.cells import commit, early_exit, expire_cohort, liquidate, open_positions
from transforms.model.price_grid import Floats, Ints

AGES, CLASSES, HOLDINGS, BREADTH = 3, 2, 2, 24
AXIS = np.arange(BREADTH)
SIDES = st.sampled_from([+1, -1])
SEEDS = st.integers(0, 2**32 - 1)
ANYWHERE = st.integers(-10, BREADTH + 10)
strengths = st.floats(0.0, 2.0)
few = settings(deadline=None, max_examples=100)


def crowd(seed: int) -> Floats:
    """Return cells of all magnitudes, many of them empty, with nested windows."""
    rng = np.random.default_rng(seed)
    shape = (AGES, CLASSES, HOLDINGS, BREADTH)
    shares = np.cumprod(np.where(rng.random(shape) < 0.2, 1.0, rng.random(shape)), axis=0)
    return np.asarray(shares * 10.0 ** rng.uniform(-6, 6, shape[1:]) * (rng.random(shape[1:]) < 0.7))


def survival_of(seed: int) -> Floats:
    return np.random.default_rng(seed).uniform(0.5, 1.0, HOLDINGS)


def retained_of(seed: int) -> Floats:
    return np.random.default_rng(seed + 1).uniform(0.1, 1.0, BREADTH)


def near(one: Floats, other: Floats) -> bool:
    return np.allclose(one, other, rtol=1e-12, atol=0.0)


@dataclass(frozen=True)
class Opening:
    """Arguments of `open_positions`: coins by entry bucket from `entry`, and each class's shares by distance."""

    entry: int
    coins: Floats
    first: Ints
    shares: Floats
    length: Ints

    def into(self, cells: Floats, s: int, mark: int, survival: Floats, retained: Floats, swept: Floats) -> None:
        open_positions(
            cells, s, mark, self.entry, self.coins, self.first, self.shares, self.length, survival, retained, swept
        )

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


def reached(s: int, mark: int) -> np.ndarray:
    return np.greater_equal(AXIS, mark) if s > 0 else np.less_equal(AXIS, mark)


@few
@given(seed=SEEDS, s=SIDES, mark=ANYWHERE, stood=ANYWHERE)
def test_sweep_empties_and_counts_reached_cells(seed: int, s: int, mark: int, stood: int) -> None:
    """No cell beyond the previous mark is occupied, so the kernel visits only the buckets in between."""
    survival, retained, before = survival_of(seed), retained_of(seed), crowd(seed)
    before[..., reached(s, stood)] = 0.0
    cells, swept = before.copy(), np.ones((CLASSES, HOLDINGS))
    liquidate(cells, s, mark, stood, survival, retained, swept)
    assert near(swept, 1.0 + (before[0] * retained)[..., reached(s, mark)].sum(axis=-1) * survival)
    assert np.array_equal(cells, np.where(reached(s, mark), 0.0, before))
    again = swept.copy()
    liquidate(cells, s, mark, stood, survival, retained, again)
    assert np.array_equal(again, swept)


@few
@given(seed=SEEDS, s=SIDES, before=ANYWHERE, after=ANYWHERE, strength=strengths)
def test_early_exit_thins_approached_cells(seed: int, s: int, before: int, after: int, strength: float) -> None:
    """The ratio of distances decides, with at least a bucket after; cells at or beyond the mark are unchanged."""
    after = min(before, after) if s > 0 else max(before, after)  # the farthest mark only moves farther
    retained, expected = retained_of(seed), retained_of(seed)
    early_exit(retained, before, after, powers(s, strength))
    for b in range(BREADTH):
        was, now = s * (before - b), s * (after - b)
        if was > 1:
            expected[b] *= (max(now, 1) / was) ** strength
    assert near(retained, expected)
    assert (retained <= retained_of(seed)).all()


@pytest.mark.parametrize("s", [+1, -1])
def test_early_exit_at_an_exponent_of_one_half(s: int) -> None:
    """The mark moves from 20 to 16, so distances 8, 20 and 5 become 4, 16 and 1; distances 3 and 1 are reached."""
    retained = np.ones(BREADTH)
    early_exit(retained, *((20, 16) if s > 0 else (3, 7)), powers(s, 0.5))
    own = retained if s > 0 else retained[::-1]
    assert own[[12, 0, 15]] == pytest.approx([0.5**0.5, 0.8**0.5, 0.2**0.5])
    assert own[16:] == pytest.approx([0.25**0.5, (1 / 3) ** 0.5, 0.5**0.5, 1.0, 1.0, 1.0, 1.0, 1.0])


@few
@given(seed=SEEDS, s=SIDES, stops=st.tuples(ANYWHERE, ANYWHERE, ANYWHERE), strength=strengths)
def test_early_exit_in_two_moves_equals_one_move(
    seed: int, s: int, stops: tuple[int, int, int], strength: float
) -> None:
    first, between, last = sorted(stops, reverse=s > 0)
    one, two = retained_of(seed), retained_of(seed)
    early_exit(one, first, last, powers(s, strength))
    early_exit(two, first, between, powers(s, strength))
    early_exit(two, between, last, powers(s, strength))
    assert near(one, two)


@few
@given(seed=SEEDS, s=SIDES, mark=ANYWHERE)
def test_openings_are_placed_at_their_distance_or_swept(seed: int, s: int, mark: int) -> None:
    """Positions opened late in the hour have neither aged nor exited: their true coins are the coins opened."""
    cells, expected, survival, retained, told = (
        crowd(seed),
        crowd(seed),
        survival_of(seed),
        retained_of(seed),
        opening(seed),
    )
    swept, gone = np.zeros((CLASSES, HOLDINGS)), np.zeros((CLASSES, HOLDINGS))
    told.into(cells, s, mark, survival, retained, swept)
    added = np.zeros((CLASSES, BREADTH))
    for k in range(CLASSES):
        for i, coins in enumerate(told.coins):
            for j in range(told.length[k]):
                at = min(max(told.entry + i + told.first[k] + j, 0), BREADTH - 1)  # beyond the axis: held at its edge
                if reached(s, mark)[at]:
                    gone[k] += coins * told.shares[k, j]
                else:
                    added[k, at] += coins * told.shares[k, j]
    expected += added[:, None, :] / (survival[:, None] * retained)
    assert near(swept, gone)
    assert near(cells, expected)
    whole = (told.coins.sum() * told.shares.sum(axis=1))[:, None]
    assert near(swept + added.sum(axis=1)[:, None], np.broadcast_to(whole, swept.shape))


@few
@given(
    seed=SEEDS,
    rank=st.integers(0, BREADTH * CLASSES * HOLDINGS - 1),
    shift=st.integers(-BREADTH - 3, BREADTH + 3),
)
def test_commit_ages_thins_shifts_and_drops_dust(seed: int, rank: int, shift: int) -> None:
    cells, survival, retained, expected = crowd(seed), survival_of(seed), retained_of(seed), np.zeros_like(crowd(seed))
    true = crowd(seed) * survival[:, None] * retained
    dust = float(np.sort(true[0].ravel())[rank]) * (1 - 1e-9)  # the value of one cell, which is kept
    commit(cells, survival, retained, dust, shift)
    for b in range(BREADTH):
        stay = np.where(true[0, ..., b] >= dust, true[..., b], 0.0)
        expected[..., min(max(b - shift, 0), BREADTH - 1)] += stay
    assert near(cells, expected)
    assert (np.diff(cells, axis=0) <= 0.0).all()  # windows stay nested


@few
@given(seed=SEEDS, shift=st.integers(-2 * BREADTH, 2 * BREADTH))
def test_axis_shift_keeps_every_coin(seed: int, shift: int) -> None:
    cells = crowd(seed)
    commit(cells, np.ones(HOLDINGS), np.ones(BREADTH), 0.0, shift)
    assert near(cells.sum(axis=-1), crowd(seed).sum(axis=-1))


@dataclass(frozen=True)
class Leaving:
    """Arguments of `expire_cohort`: entries, coins, the farthest mark since, and moves of later hours."""

    entry: Ints
    coins: Floats
    since: Ints
    before: Ints
    after: Ints

    def out_of(
        self, cells: Floats, window: int, s: int, told: Opening, survival_by_age: Floats, strength: float
    ) -> None:
        retained = np.ones(BREADTH)
        for move in zip(self.before, self.after, strict=True):
            early_exit(retained, *move, powers(s, strength))
        since = min([4 * BREADTH, *self.after]) if s > 0 else max([-4 * BREADTH, *self.after])
        own, cohort = (told.first, told.shares, told.length), (self.entry, self.coins, self.since)
        expire_cohort(cells, window, s, *cohort, since, retained, *own, survival_by_age)


def leaving(seed: int, s: int) -> Leaving:
    rng = np.random.default_rng(seed + 2)
    n = int(rng.integers(1, 5))
    before = rng.integers(-10, BREADTH + 10, int(rng.integers(0, 6)))
    after = before - s * rng.integers(0, 9, len(before))
    entry = np.sort(rng.choice(np.arange(-6, BREADTH + 6), n, replace=False))
    return Leaving(entry, rng.random(n), rng.integers(-10, BREADTH + 10, n), before, after)


def without(
    cells: Floats, window: int, s: int, gone: Leaving, told: Opening, survival_by_age: Floats, strength: float
) -> None:
    """Apply `expire_cohort` by definition: unreached openings, thinned by each move in turn."""
    for entry, coins, since in zip(gone.entry, gone.coins, gone.since, strict=True):
        farthest = min([since, *gone.after]) if s > 0 else max([since, *gone.after])
        for k in range(CLASSES):
            for j in range(told.length[k]):
                goes = entry + told.first[k] + j
                at = min(max(goes, 0), BREADTH - 1)
                if s * (goes - farthest) >= 0:
                    continue
                retained = np.ones(BREADTH)
                for before, after in zip(gone.before, gone.after, strict=True):
                    early_exit(retained, before, after, powers(s, strength))
                amount = coins * told.shares[k, j] * survival_by_age * retained[at]
                stays = np.maximum(cells[window, k, :, at] - amount, 0.0)
                cells[1 : window + 1, k, :, at] = np.minimum(cells[1 : window + 1, k, :, at], stays)


@few
@given(seed=SEEDS, s=SIDES, window=st.integers(1, AGES - 1), strength=strengths)
def test_expired_cohort_is_thinned_by_every_later_move(seed: int, s: int, window: int, strength: float) -> None:
    """The retained part of a cohort expires, at most what is there; inner windows never exceed outer ones."""
    begun = crowd(seed)[[0, *range(AGES - 1, 0, -1)]]  # the shortest window is the innermost
    cells, expected, told, gone = begun.copy(), begun.copy(), opening(seed), leaving(seed, s)
    gone.out_of(cells, window, s, told, survival_of(seed), strength)
    without(expected, window, s, gone, told, survival_of(seed), strength)
    assert np.allclose(cells, expected, rtol=1e-9, atol=1e-12)
    assert np.array_equal(cells[0], begun[0])
    assert np.array_equal(cells[window + 1 :], begun[window + 1 :])
    assert (cells[1:-1] <= cells[2:]).all()


@pytest.mark.parametrize("s", [+1, -1])
@pytest.mark.parametrize("since", [1, 4, 4 * BREADTH])
def test_cohort_at_the_edge_expires_from_the_edge(s: int, since: int) -> None:
    """The mark moved so far that a whole cohort lies beyond the axis behind it and was never reached.

    since: the mark at the close of the opening bar, in buckets from the entry, on the axis or beyond it.
    """
    entry = -1 if since < BREADTH else -5 * BREADTH
    first = np.array([-2, -3])
    told = Opening(0, np.ones(1), first, np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 2]))
    told, entry = (told, entry) if s > 0 else (told.mirrored(), BREADTH - 1 - entry)
    cells, none = np.ones((AGES, CLASSES, HOLDINGS, BREADTH)), np.zeros(0, np.int64)
    gone = Leaving(np.array([entry]), np.array([0.25]), np.array([entry + s * since]), none, none)
    gone.out_of(cells, 1, s, told, np.array([1.0, 0.5]), 0.3)
    expected = np.ones_like(cells)
    expected[1, :, :, 0 if s > 0 else -1] = [0.75, 0.875]
    assert np.allclose(cells, expected, rtol=1e-12)


@few
@given(seed=SEEDS, mark=ANYWHERE, before=ANYWHERE, after=ANYWHERE, shift=st.integers(-9, 9))
def test_shorts_mirror_longs(seed: int, mark: int, before: int, after: int, shift: int) -> None:
    made = []
    for s in (+1, -1):
        turn = slice(None, None, s)
        cells, retained = crowd(seed)[..., turn].copy(), retained_of(seed)[turn].copy()
        survival, swept = survival_of(seed), np.zeros((CLASSES, HOLDINGS))
        at, first, last = (b if s > 0 else BREADTH - 1 - b for b in (mark, before, after))
        told = opening(seed) if s > 0 else opening(seed).mirrored()
        early_exit(retained, first, last, powers(s, 0.3))
        liquidate(cells, s, at, BREADTH if s > 0 else -1, survival, retained, swept)
        told.into(cells, s, at, survival, retained, swept)
        commit(cells, survival, retained, 1e-3, s * shift)
        moves = np.array([first]), np.array([last])
        Leaving(np.array([at]), np.ones(1), np.array([at]), *moves).out_of(cells, 2, s, told, survival, 0.3)
        made.append((cells[..., turn], swept))
    assert np.allclose(made[0][0], made[1][0], rtol=1e-9, atol=1e-12)
    assert np.allclose(made[0][1], made[1][1], rtol=1e-9, atol=0.0)


@few
@given(seed=SEEDS, s=SIDES, mark=ANYWHERE, before=ANYWHERE, after=ANYWHERE, shift=st.integers(-9, 9))
def test_kernels_are_additive(seed: int, s: int, mark: int, before: int, after: int, shift: int) -> None:
    one, other, survival = crowd(seed), crowd(seed + 1), survival_of(seed)
    parts, counts = [one, other, one + other], np.zeros((3, CLASSES, HOLDINGS))
    for cells, swept in zip(parts, counts, strict=True):
        retained = retained_of(seed)
        early_exit(retained, before, after, powers(s, 0.3))
        liquidate(cells, s, mark, BREADTH if s > 0 else -1, survival, retained, swept)
        commit(cells, survival, retained, 0.0, shift)
    assert near(parts[0] + parts[1], parts[2])
    assert near(counts[0] + counts[1], counts[2])
