"""What every hour must keep whatever the market did: the mark, the windows, that parts add up, that sides are alike."""

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
    SHORT,
    UNKNOWN,
    bar,
    first_price,
    flat_rate,
    sides,
    walks,
)
from transforms.model import hour as module
from transforms.model.activity import FIRST_TURNOVER_PER_HOUR
from transforms.model.assumptions import HALF_LIVES_H
from transforms.model.distance_profile import Contract
from transforms.model.estimate import HourInput
from transforms.model.hour import Bar, Moved, advance
from transforms.model.population import AGES, BREADTH, CLASSES, HOLDINGS, Population
from transforms.model.price_grid import Floats, bucket

HALF_LIVES = np.array(HALF_LIVES_H)
SIDES = st.sampled_from([LONG, SHORT])
both_sides = pytest.mark.parametrize("s", [LONG, SHORT])
few = settings(max_examples=20, deadline=None)


def moved(crowd: Population, *bars: Bar, hour_h: int = FIRST_H, contract: Contract = CONTRACT) -> Moved:
    return advance(crowd, list(bars), contract, hour_h)


def through(crowd: Population, hours: list[HourInput], contract: Contract = CONTRACT) -> Floats:
    """What was swept in all."""
    return sum((moved(crowd, *h.bars[crowd.s], hour_h=h.hour_h, contract=contract).swept for h in hours), np.zeros(1))


@contextmanager
def exact() -> Iterator[None]:
    """Nobody gives up, and no crumbs are dropped: what is otherwise near holds to the last digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_DUST", 0.0)
        patch.setattr(module, "GIVEN_UP", 0.0)
        yield


def idle(hour: HourInput) -> HourInput:
    """The same hour with nothing opened in it."""
    bars = [replace(b, taker_base=0.0, account_growth=0.0) for b in hour.bars[LONG]]
    return replace(hour, bars={LONG: bars, SHORT: bars})


@few
@given(hours=walks())
def test_nobody_stands_beyond_the_mark_and_windows_nest(hours: list[HourInput]) -> None:
    for s, crowd in sides(first_price(hours)).items():
        for hour in hours:
            did = moved(crowd, *hour.bars[s], hour_h=hour.hour_h)
            cut = crowd.first_reached(crowd.mark)
            assert not crowd.cells[..., slice(cut, None) if s > 0 else slice(cut)].any()
            for inner, outer in ((1, 2), (2, 3), (3, 0)):
                assert (crowd.cells[inner] <= crowd.cells[outer]).all()
            assert crowd.cells.min() >= 0.0
            assert did.swept.min() >= 0.0
            assert did.activity >= 0.0


@few
@given(hours=walks(known=True), s=SIDES, seed=st.integers(0, 2**32 - 1))
def test_the_whole_is_the_sum_of_its_parts(hours: list[HourInput], s: int, seed: int) -> None:
    """Two crowds that stood, and what is opened meanwhile: each swept, thinned and aged as if the others were not."""
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
            crowd = Population.empty(s, first_price(hours))
            crowd.cells[:], crowd.open_interest = begun, 100.0  # so that nobody else is seated
            swept.append(through(crowd, own))
            cells.append(crowd.cells)
    assert np.allclose(sum(cells[:3]), cells[3], rtol=1e-11, atol=1e-12)
    assert np.allclose(sum(swept[:3]), swept[3], rtol=1e-11, atol=1e-12)
    assert cells[3].any()


@few
@given(hours=walks(hours=(26, 28), bars=(0, 1), known=True), s=SIDES)
def test_the_day_holds_what_was_opened_in_it_and_no_sweep_is_taken_out_twice(hours: list[HourInput], s: int) -> None:
    """As a crowd of which nobody opened before the day; what the mark has swept since does not leave once more."""
    contract = flat_rate()
    whole, day = sides(first_price(hours))[s], sides(first_price(hours))[s]
    day.open_interest = 1.0  # somebody: nobody is seated
    with exact():
        through(whole, hours[:-24], contract)
        through(day, [idle(hour) for hour in hours[:-24]], contract)
        day.turnover, day.open_interest = whole.turnover, whole.open_interest or 1.0
        whole.open_interest = day.open_interest
        for crowd in (whole, day):
            through(crowd, hours[-24:], contract)
    dust = 1e-8 * max([1.0, *(each.open_interest for hour in hours for each in hour.bars[s])])
    assert np.allclose(whole.cells[1], day.cells[0], rtol=1e-9, atol=2 * dust)  # a cell of dust is dropped of one alone


@both_sides
def test_what_was_swept_in_the_hour_it_was_opened_in_does_not_leave_a_day_later(s: int) -> None:
    """Opened at 100, swept down to 97 in the next bar of the hour; who opens at 100 afterwards stays in the day."""
    dip = {"low": 97.0} if s > 0 else {"high": 103.0}
    crowd, later = sides()[s], sides()[s]
    flat = bar(100, 1000, taker=40)
    with exact():
        for each in (crowd, later):
            each.open_interest = 1000
        two = [replace(flat, hours=0.5), replace(bar(100, 1000, **dip), hours=0.5)]
        moved(crowd, *two)
        moved(later, *(replace(each, taker_base=0.0) for each in two))
        later.turnover = crowd.turnover
        for n in range(1, 25):
            for each in (crowd, later):
                moved(each, flat, hour_h=FIRST_H + n)
    day, truth = crowd.cells[1], later.cells[1]
    assert np.allclose(day, truth, rtol=1e-3, atol=1e-6 * truth.max())  # the first bar's had aged when the hour ended


def in_a_mirror(b: Bar) -> Bar:
    return replace(b, open=1 / b.open, high=1 / b.low, low=1 / b.high, close=1 / b.close)


@few
@given(hours=walks(known=True))
def test_shorts_are_longs_in_a_mirror(hours: list[HourInput]) -> None:
    """An inverse short is liquidated where a linear long is, with every price turned over."""
    turned = [replace(h, bars={SHORT: [in_a_mirror(b) for b in h.bars[LONG]]}) for h in hours]
    long, short = Population.empty(LONG, first_price(hours)), Population.empty(SHORT, 1 / first_price(hours))
    swept = through(long, hours, flat_rate()), through(short, turned, flat_rate("inverse"))
    scale = max(long.cells.max(), 1.0)
    assert np.allclose(long.cells, short.cells[..., ::-1], rtol=1e-6, atol=1e-6 * scale)
    assert np.allclose(*swept, rtol=1e-6, atol=1e-6 * scale)


def test_who_stood_before_the_first_bar_is_long_at_rest_and_in_no_window() -> None:
    for crowd in sides().values():
        did = moved(crowd, bar(100, 1000), contract=flat_rate())
        assert (did.activity, did.swept[4:].sum()) == (0.0, 0.0)
        assert not crowd.cells[1:].any()
        at_rest = FIRST_TURNOVER_PER_HOUR * 1000 * HALF_LIVES / np.log(2) * 0.5 ** (1 / HALF_LIVES)  # an hour later
        stood = crowd.cells[0].sum(axis=-1)
        assert stood[4:] == pytest.approx(np.broadcast_to(at_rest, (3, HOLDINGS)), rel=1e-3)
        assert (stood[0] < 0.8 * at_rest).all()  # of those near the mark some had been reached
        assert crowd.open_interest == 1000


@both_sides
def test_a_fall_sweeps_longs_and_a_rise_shorts(s: int) -> None:
    for move, low, high in ((LONG, 95, 0), (SHORT, 0, 105)):
        crowd = sides()[s]
        moved(crowd, bar(100, 1000))
        before = crowd.cells[0].sum(axis=-1)
        swept = moved(crowd, bar(100, UNKNOWN, low=low, high=high), hour_h=FIRST_H + 1).swept
        assert (swept[:3] > 0).all() if move == s else not swept.any()
        kept = 0.5 ** (1 / HALF_LIVES)
        assert (crowd.cells[0].sum(axis=-1) + swept <= before * kept * (1 + 1e-9)).all()  # others may have given up
        assert crowd.open_interest == 1000


@both_sides
def test_openings_are_activity_in_every_class_and_all_windows(s: int) -> None:
    crowd, half = sides()[s], FIRST_TURNOVER_PER_HOUR * 1000 / 2  # of the volume of a typical hour
    crowd.open_interest = 1000
    did = moved(crowd, *[replace(bar(100, 1000, taker=half), hours=0.5)] * 2, contract=flat_rate())
    assert did.activity == pytest.approx(2 * half, rel=1e-9)
    stood = np.broadcast_to(half * 0.5 ** (0.5 / HALF_LIVES) + half, (AGES, CLASSES, HOLDINGS))
    assert crowd.cells.sum(axis=-1) == pytest.approx(stood, rel=1e-6)
    assert crowd.cohorts.activity.sum() == pytest.approx(did.activity, rel=1e-12)
    assert set(crowd.cohorts.entry.tolist()) == {bucket(100)}


@both_sides
@pytest.mark.parametrize("stops", [(98, 99), (99, 98), (98, 98)])
def test_within_an_hour_only_what_is_nearer_than_ever_is_given_up_again(s: int, stops: tuple[float, float]) -> None:
    one, two = sides()[s], sides()[s]
    for crowd in (one, two):
        moved(crowd, bar(100, 1000))
    falls = [replace(bar(100, 1000, low=p, high=200 - p), hours=0.5) for p in (*stops, 98)]
    whole = moved(one, replace(falls[2], hours=1.0), hour_h=FIRST_H + 1).swept
    assert (one.cells <= two.cells).all()
    assert moved(two, *falls[:2], hour_h=FIRST_H + 1).swept == pytest.approx(whole, rel=0.2)
    assert np.allclose(one.cells, two.cells, rtol=1e-9, atol=0)


@both_sides
def test_silence_and_missing_bars_only_age(s: int) -> None:
    silent, partial = sides()[s], sides()[s]
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
def test_a_window_loses_an_hour_when_it_is_a_day_old(s: int) -> None:
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
def test_open_interest_of_zero_is_nobody_and_the_next_are_seated_afresh(s: int) -> None:
    crowd, fresh = sides()[s], sides()[s]
    moved(crowd, bar(100, 1000, taker=40))
    moved(crowd, bar(100, 0.0, taker=40), hour_h=FIRST_H + 1)
    assert not crowd.cells.any()
    assert not len(crowd.cohorts.entry)
    fresh.turnover = crowd.turnover
    for each in (crowd, fresh):
        moved(each, bar(100, 500, taker=9), hour_h=FIRST_H + 2)
    assert np.array_equal(crowd.cells, fresh.cells)


def test_the_grid_follows_the_mark_and_loses_nobody() -> None:
    for price in (20.0, 99.95, 700.0):
        crowd = sides()[SHORT]
        moved(crowd, bar(100, 1000))
        before = crowd.cells.sum(axis=-1)
        crowd.recentre(price)
        assert crowd.origin + crowd.cells.shape[-1] // 2 == bucket(price)
        assert crowd.cells.sum(axis=-1) == pytest.approx(before, rel=1e-12)
