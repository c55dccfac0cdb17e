"""Invariants of an hour under any market: the mark, nested windows, additivity, symmetry of sides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.model.market import (
    CONTRACT,
    FIRST_H,
    LONG,
    SETTLED,
    SHORT,
    UNKNOWN,
    bar,
    first_price,
    flat_rate,
    sides,
    walks,
)
from transforms.model import step as module
from transforms.model.activity import FIRST_TURNOVER_PER_HOUR
from transforms.model.assumptions import HALF_LIVES_H, prior
from transforms.model.distance_profile import Contract
from transforms.model.estimator import HourInput
from transforms.model.kernels.approach import UNREACHED
from transforms.model.population import AGES, BREADTH, CLASSES, HOLDINGS, Population
from transforms.model.price_grid import Floats, bucket
from transforms.model.step import Bar, Moved, advance

HALF_LIVES = np.array(HALF_LIVES_H)
SIDES = st.sampled_from([LONG, SHORT])
both_sides = pytest.mark.parametrize("s", [LONG, SHORT])
few = settings(max_examples=20, deadline=None)


def moved(crowd: Population, *bars: Bar, hour_h: int = FIRST_H, contract: Contract = CONTRACT) -> Moved:
    return advance(crowd, list(bars), contract, hour_h)


def through(crowd: Population, hours: list[HourInput], contract: Contract = CONTRACT) -> Floats:
    """Return the total liquidated over the hours."""
    return sum((moved(crowd, *h.bars[crowd.s], hour_h=h.hour_h, contract=contract).swept for h in hours), np.zeros(1))


@contextmanager
def exact() -> Iterator[None]:
    """Disable early exits and the removal of dust, so that approximate equalities become exact."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_DUST", 0.0)
        patch.setattr(module, "EARLY_EXIT_EXPONENT", 0.0)
        yield


def idle(hour: HourInput) -> HourInput:
    """Return the hour without openings."""
    bars = [replace(b, taker_base=0.0, account_growth=0.0) for b in hour.bars[LONG]]
    return replace(hour, bars={LONG: bars, SHORT: bars})


@few
@given(hours=walks())
def test_no_position_beyond_the_mark_and_windows_nest(hours: list[HourInput]) -> None:
    for s, crowd in sides(first_price(hours)).items():
        for hour in hours:
            did = moved(crowd, *hour.bars[s], hour_h=hour.hour_h)
            at = crowd.reached(crowd.mark) - crowd.origin
            assert not crowd.cells[..., slice(at, None) if s > 0 else slice(at + 1)].any()
            for inner, outer in ((1, 2), (2, 3), (3, 0)):
                assert (crowd.cells[inner] <= crowd.cells[outer]).all()
            assert crowd.cells.min() >= 0.0
            assert did.swept.min() >= 0.0
            assert did.activity >= 0.0


@few
@given(hours=walks(known=True), s=SIDES, seed=st.integers(0, 2**32 - 1))
def test_populations_are_additive(hours: list[HourInput], s: int, seed: int) -> None:
    """Two existing populations and new openings are liquidated, thinned and aged independently."""
    rng = np.random.default_rng(seed)
    shape = (CLASSES, HOLDINGS, BREADTH)
    stood = [rng.random(shape) * (rng.random(shape) < 0.1) * np.ones((AGES, 1, 1, 1)) for _ in range(2)]
    nobody = np.zeros((AGES, *shape))
    idle_hours = [idle(hour) for hour in hours]
    parts = [(stood[0], idle_hours), (stood[1], idle_hours), (nobody, hours), (stood[0] + stood[1], hours)]
    cells, swept = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_DUST", 0.0)
        for begun, own in parts:
            crowd = sides(first_price(hours), **SETTLED)[s]
            crowd.cells[:], crowd.open_interest = begun, 100.0  # nonzero, so that no population is initialised
            swept.append(through(crowd, own))
            cells.append(crowd.cells)
    assert np.allclose(sum(cells[:3]), cells[3], rtol=1e-11, atol=1e-12)
    assert np.allclose(sum(swept[:3]), swept[3], rtol=1e-11, atol=1e-12)
    assert cells[3].any()


@few
@given(hours=walks(hours=(26, 28), bars=(0, 1), known=True), s=SIDES)
def test_day_window_equals_a_population_opened_in_the_day(hours: list[HourInput], s: int) -> None:
    """The day window equals a population without earlier openings; liquidated positions do not expire again."""
    contract = flat_rate()
    whole, day = (sides(first_price(hours), **SETTLED)[s] for _ in range(2))
    day.open_interest = 1.0  # nonzero, so that no population is initialised
    with exact():
        through(whole, hours[:-24], contract)
        through(day, [idle(hour) for hour in hours[:-24]], contract)
        day.open_interest = whole.open_interest or 1.0
        whole.open_interest = day.open_interest
        for crowd in (whole, day):
            through(crowd, hours[-24:], contract)
    dust = 1e-8 * max([1.0, *(each.open_interest for hour in hours for each in hour.bars[s])])
    marks = [bucket(first_price(hours)), *(bucket(each.close) for hour in hours for each in hour.bars[s])]
    # positions left behind by the moving axis are pooled at its edge, so the edge is not compared
    inner = slice(max(marks) - marks[-1] + 1, BREADTH - 1 + min(marks) - marks[-1])
    held, opened = whole.cells[1][..., inner], day.cells[0][..., inner]
    assert np.allclose(held, opened, rtol=1e-9, atol=2 * dust)  # a dust cell may be dropped from only one of them


@both_sides
def test_openings_swept_in_their_hour_do_not_expire_again(s: int) -> None:
    """Positions opened at 100 are swept by a move to 97 in the next bar; later openings at 100 stay in the day."""
    dip = {"low": 97.0} if s > 0 else {"high": 103.0}
    crowd, later = (sides(**SETTLED)[s] for _ in range(2))
    flat = bar(100, 1000, taker=40)
    with exact():
        for each in (crowd, later):
            each.open_interest = 1000
        two = [replace(flat, hours=0.5), replace(bar(100, 1000, **dip), hours=0.5)]
        moved(crowd, *two)
        moved(later, *(replace(each, taker_base=0.0) for each in two))
        for n in range(1, 25):
            for each in (crowd, later):
                moved(each, flat, hour_h=FIRST_H + n)
    day, truth = crowd.cells[1], later.cells[1]
    assert np.allclose(
        day, truth, rtol=1e-3, atol=1e-6 * truth.max()
    )  # openings of the first bar have aged by the end of the hour


def in_a_mirror(b: Bar) -> Bar:
    return replace(b, open=1 / b.open, high=1 / b.low, low=1 / b.high, close=1 / b.close)


@few
@given(hours=walks(known=True))
def test_shorts_mirror_longs(hours: list[HourInput]) -> None:
    """An inverse short is liquidated where a linear long is, with every price inverted."""
    turned = [replace(h, bars={SHORT: [in_a_mirror(b) for b in h.bars[LONG]]}) for h in hours]
    long, short = Population.empty(LONG, first_price(hours)), Population.empty(SHORT, 1 / first_price(hours))
    swept = through(long, hours, flat_rate()), through(short, turned, flat_rate("inverse"))
    scale = max(long.cells.max(), 1.0)
    assert np.allclose(long.cells, short.cells[..., ::-1], rtol=1e-6, atol=1e-6 * scale)
    assert np.allclose(*swept, rtol=1e-6, atol=1e-6 * scale)


def test_initial_population_is_in_equilibrium_and_in_no_window() -> None:
    for crowd in sides().values():
        did = moved(crowd, bar(100, 1000), contract=flat_rate())
        assert (did.activity, did.swept[4:].sum()) == (0.0, 0.0)
        assert not crowd.cells[1:].any()
        at_rest = FIRST_TURNOVER_PER_HOUR * 1000 * HALF_LIVES / np.log(2) * 0.5 ** (1 / HALF_LIVES)  # an hour later
        stood = crowd.cells[0].sum(axis=-1)
        assert stood[4:] == pytest.approx(np.broadcast_to(at_rest, (3, HOLDINGS)), rel=1e-3)
        assert (stood[0] < 0.8 * at_rest).all()  # some positions near the mark were liquidated
        assert crowd.open_interest == 1000


@both_sides
@pytest.mark.parametrize("period", [2, 3, 5])
def test_initial_population_has_no_period(s: int, period: int) -> None:
    """No bucket is fuller than its neighbours by its place in a period: the map of the first days is no comb."""
    crowd = sides()[s]
    moved(crowd, bar(100, 1000))
    at = crowd.reached(crowd.mark) - crowd.origin
    usd = (prior("binance").weight[:, :, None] * crowd.cells[0]).sum(axis=(0, 1))
    near = usd[at - 180 : at] if s > 0 else usd[at + 1 : at + 181][::-1]
    slope = np.convolve(near, np.ones(period) / period, mode="valid")
    off = near[period // 2 : period // 2 + len(slope)] / slope
    phases = [off[phase::period].mean() for phase in range(period)]
    assert max(phases) / min(phases) < 1.02


@both_sides
def test_fall_sweeps_longs_and_rise_sweeps_shorts(s: int) -> None:
    for move, low, high in ((LONG, 95, 0), (SHORT, 0, 105)):
        crowd = sides()[s]
        moved(crowd, bar(100, 1000))
        before = crowd.cells[0].sum(axis=-1)
        swept = moved(crowd, bar(100, UNKNOWN, low=low, high=high), hour_h=FIRST_H + 1).swept
        assert (swept[:3] > 0).all() if move == s else not swept.any()
        kept = 0.5 ** (1 / HALF_LIVES)
        assert (crowd.cells[0].sum(axis=-1) + swept <= before * kept * (1 + 1e-9)).all()  # others may have exited early
        assert crowd.open_interest == 1000


@both_sides
def test_openings_equal_activity_in_every_class_and_window(s: int) -> None:
    crowd, half = sides()[s], FIRST_TURNOVER_PER_HOUR * 1000 / 2  # half the volume of a typical hour
    crowd.open_interest = 1000
    did = moved(crowd, *[replace(bar(100, 1000, taker=half), hours=0.5)] * 2, contract=flat_rate())
    assert did.activity == pytest.approx(2 * half, rel=1e-9)
    stood = np.broadcast_to(half * 0.5 ** (0.5 / HALF_LIVES) + half, (AGES, CLASSES, HOLDINGS))
    assert crowd.cells.sum(axis=-1) == pytest.approx(stood, rel=1e-6)
    (opened,) = crowd.cohorts.values()
    assert opened.coins.tolist() == pytest.approx([did.activity], rel=1e-12)
    assert opened.entry.tolist() == [bucket(100)]
    assert opened.reached.tolist() == [crowd.reached(100)]


@both_sides
def test_activity_uses_account_growth_if_published(s: int) -> None:
    """Account growth opens eight times its share of open interest; a rise of open interest alone opens nothing."""
    hours = [
        (bar(100, 1000), 0.0),  # the first open interest may be years old
        (bar(100, 1100), 0.0),
        (bar(100, 1300, taker=40), 40.0),
        (bar(100, 1000, taker=40), 40.0),
        (replace(bar(100, 1100), account_growth=0.02), 8 * 0.02 * 1100),
        (replace(bar(100, 1200), account_growth=0.0), 0.0),
        (replace(bar(100, UNKNOWN), account_growth=0.02), 8 * 0.02 * 1200),  # a share of the last reading
        (replace(bar(100, 1200), account_growth=-0.02), 0.0),
        (bar(100, 0.0, taker=40), 0.0),
    ]
    crowd = sides(**SETTLED)[s]
    for n, (own, opened) in enumerate(hours):
        assert moved(crowd, own, hour_h=FIRST_H + n).activity == pytest.approx(opened, rel=1e-9), n


def known_moves(crowd: Population) -> dict[int, tuple[int, int]]:
    """Return the farthest mark before and after each known hour, by hour modulo 720."""
    told = np.flatnonzero(np.abs(crowd.moves[:, 0]) != UNREACHED).tolist()
    return {place: (int(crowd.moves[place, 0]), int(crowd.moves[place, 1])) for place in told}


@both_sides
def test_hour_keeps_its_move_and_cohorts_for_thirty_days(s: int) -> None:
    """An hour keeps its first and its farthest mark; each entry keeps only the farthest mark after it."""
    crowd = sides()[s]
    farther = {price: crowd.reached(price if s > 0 else 200 - price) for price in (100, 98, 97)}
    two = [bar(100, 1000, taker=40), bar(100, 1000, taker=40)]
    dips = [replace(b, **({"low": p} if s > 0 else {"high": 200 - p})) for b, p in zip(two, (97, 98), strict=True)]
    moved(crowd, *(replace(b, hours=0.5) for b in dips))
    assert known_moves(crowd) == {FIRST_H % 720: (farther[100], farther[97])}
    reached = dict(zip(crowd.cohorts[FIRST_H].entry.tolist(), crowd.cohorts[FIRST_H].reached.tolist(), strict=True))
    assert reached[bucket(97.5 if s > 0 else 102.5)] == farther[98]  # opened in the first bar only
    moved(crowd, hour_h=FIRST_H + 1)
    moved(crowd, bar(100, 1000), hour_h=FIRST_H + 2)
    assert list(crowd.cohorts) == [FIRST_H, FIRST_H + 2]  # an hour without bars has neither
    assert list(known_moves(crowd)) == [FIRST_H % 720, (FIRST_H + 2) % 720]
    assert not len(crowd.cohorts[FIRST_H + 2].entry)
    for n in (719, 720):
        moved(crowd, hour_h=FIRST_H + n)
        left = [FIRST_H, FIRST_H + 2][n - 719 :]
        assert list(crowd.cohorts) == left
        assert list(known_moves(crowd)) == [hour_h % 720 for hour_h in left]


@both_sides
def test_each_approach_causes_early_exits(s: int) -> None:
    """Positions approached from a to b buckets keep a share of (b/a)^0.08, and the same share again the next hour."""
    crowd = sides()[s]
    near = bar(100, UNKNOWN, low=98, high=102)
    moved(crowd, bar(100, 1000))
    before = crowd.cells[0].copy()
    for n in (1, 2):
        moved(crowd, near, hour_h=FIRST_H + n)
    begun, came = (crowd.reached(100 - s * distance) - crowd.origin for distance in (0, 2))
    at = np.arange(came - 1, came - 400, -1) if s > 0 else np.arange(came + 1, came + 400)
    stay = (np.abs(came - at) / np.abs(begun - at)) ** 0.08
    expected = before[..., at] * 0.5 ** (2 / HALF_LIVES)[:, None] * stay**2
    assert np.allclose(crowd.cells[0][..., at], expected, rtol=1e-9, atol=2 * module._DUST * 1000)


def walk(seed: int, hours: int) -> list[list[Bar]]:
    """Return five-minute bars with moves of 0.2 %, or 0.7 % an hour, volatility bursts and uneven volume."""
    rng = np.random.default_rng(seed)
    price, made = 100.0, []
    for _ in range(hours):
        storm, own = float(rng.choice([0.5, 1.0, 2.5])), []
        for _ in range(12):
            opened, price = price, price * float(np.exp(0.002 * storm * rng.standard_normal()))
            ends = (min(opened, price) * (1 - 5e-4 * storm), max(opened, price) * (1 + 5e-4 * storm))
            volume = 10.0 * float(rng.lognormal(0.0, 0.5)) * storm
            own.append(Bar(1 / 12, opened, ends[1], ends[0], price, volume, 1000.0 * float(rng.uniform(0.998, 1.002))))
        made.append(own)
    return made


@both_sides
@pytest.mark.parametrize("seed", range(3))
def test_expiring_cohorts_are_thinned_as_the_positions_were(s: int, seed: int) -> None:
    """The day window of a three-day population equals a population without earlier openings.

    Read with the prior's weights, within 1, 2, 5 and 25 % of the mark.
    """
    weight = prior("binance").weight[:, :, None]
    hours, kept_idle = walk(seed, 72), 48
    whole, day = (sides(**SETTLED)[s] for _ in range(2))
    day.open_interest = 1000.0  # nonzero, so that no population is initialised
    for n, bars in enumerate(hours):
        moved(whole, *bars, hour_h=FIRST_H + n)
        quiet = [replace(b, taker_base=0.0, account_growth=0.0) for b in bars] if n < kept_idle else bars
        moved(day, *quiet, hour_h=FIRST_H + n)
    at = whole.reached(whole.mark) - whole.origin
    told, truth = ((weight * cells).sum(axis=(0, 1)) for cells in (whole.cells[1], day.cells[0]))
    for buckets in (10, 20, 50, 288):
        within = slice(at - buckets, at) if s > 0 else slice(at + 1, at + 1 + buckets)
        assert told[within].sum() == pytest.approx(truth[within].sum(), rel=0.01), buckets


@both_sides
@pytest.mark.parametrize("stops", [(98, 99), (99, 98), (98, 98)])
def test_early_exit_counts_only_new_extremes_within_an_hour(s: int, stops: tuple[float, float]) -> None:
    one, two = sides()[s], sides()[s]
    for crowd in (one, two):
        moved(crowd, bar(100, 1000))
    falls = [replace(bar(100, 1000, low=p, high=200 - p), hours=0.5) for p in (*stops, 98)]
    whole = moved(one, replace(falls[2], hours=1.0), hour_h=FIRST_H + 1).swept
    assert (one.cells <= two.cells).all()
    assert moved(two, *falls[:2], hour_h=FIRST_H + 1).swept == pytest.approx(whole, rel=0.2)
    assert np.allclose(one.cells, two.cells, rtol=1e-9, atol=0)


@both_sides
def test_missing_bars_only_age_positions(s: int) -> None:
    silent, partial = (sides(**SETTLED)[s] for _ in range(2))
    for crowd in (silent, partial):
        moved(crowd, bar(100, 1000, taker=40))
    before = silent.cells.copy()
    did = moved(silent, hour_h=FIRST_H + 1)
    moved(partial, replace(bar(100, UNKNOWN), hours=0.25), hour_h=FIRST_H + 1)
    assert (did.swept.sum(), did.activity, silent.mark) == (0.0, 0.0, 100)
    expected = before * 0.5 ** (1 / HALF_LIVES)[:, None]
    for crowd in (silent, partial):
        crumbs = module._DUST * 1000
        assert np.allclose(crowd.cells, np.where(expected[0] >= crumbs, expected, 0.0), rtol=1e-12, atol=0)


@both_sides
def test_day_window_drops_an_hour_after_a_day(s: int) -> None:
    crowd = sides()[s]
    with exact():
        moved(crowd, bar(100, 1000))
        moved(crowd, bar(100, 1000, taker=120), hour_h=FIRST_H + 1)
        opened = crowd.cells[1].sum(axis=(0, 2))
        assert (opened > 0).all()
        for age in range(24):
            left = opened * 0.5 ** (age / HALF_LIVES)
            assert crowd.cells[1].sum(axis=(0, 2)) == pytest.approx(left, rel=1e-9), age
            moved(crowd, bar(100, 1000), hour_h=FIRST_H + 2 + age)
        assert crowd.cells[1].sum() == pytest.approx(0, abs=1e-9 * opened.sum())
        assert crowd.cells[2].sum(axis=(0, 2)) == pytest.approx(opened * 0.5 ** (24 / HALF_LIVES), rel=1e-9)


@both_sides
def test_zero_open_interest_clears_and_the_next_reading_initialises(s: int) -> None:
    crowd, fresh = sides()[s], sides()[s]
    moved(crowd, bar(100, 1000, taker=40))
    moved(crowd, bar(100, 0.0, taker=40), hour_h=FIRST_H + 1)
    assert not crowd.cells.any()
    assert [len(opened.entry) for opened in crowd.cohorts.values()] == []
    assert known_moves(crowd) == {}
    fresh.turnover, fresh.observed_h = crowd.turnover, crowd.observed_h
    for each in (crowd, fresh):
        moved(each, bar(100, 500, taker=9), hour_h=FIRST_H + 2)
    assert np.array_equal(crowd.cells, fresh.cells)


@both_sides
@pytest.mark.parametrize("times", [5.0, 1.0005, 1.0])
def test_grid_follows_the_mark_and_keeps_all_positions(s: int, times: float) -> None:
    """The mark moves away, so no position is reached; positions beyond the grid are held at its edge."""
    crowd, price = sides()[s], 100 * times**s
    with exact():
        moved(crowd, bar(100, 1000))
        before = crowd.cells.sum(axis=-1)
        moved(crowd, bar(100, UNKNOWN, close=price), hour_h=FIRST_H + 1)
    assert crowd.origin + crowd.cells.shape[-1] // 2 == bucket(price)
    assert crowd.cells.sum(axis=-1) == pytest.approx(before * 0.5 ** (1 / HALF_LIVES), rel=1e-12)


@both_sides
def test_late_initial_positions_have_no_earlier_exits(s: int) -> None:
    """The mark came near and returned before the first open interest, so the initial positions have not exited."""
    near, quiet = bar(100, UNKNOWN, low=96, high=104), bar(100, UNKNOWN)
    crowds = []
    for before in (near, quiet):
        crowd = sides()[s]
        moved(crowd, replace(before, hours=0.5), replace(bar(100, 1000), hours=0.5))
        crowds.append(crowd.cells)
    assert np.allclose(*crowds, rtol=1e-9, atol=2 * module._DUST * 1000)
