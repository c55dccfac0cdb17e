"""What every hour must keep whatever the market did: the books, the windows, the mark, and the arrow of time."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.exchanges.documented_tiers import documented
from transforms.model.assumptions import prior
from transforms.model.distance_profile import Contract
from transforms.model.estimate import HourInput, columns, run
from transforms.model.hour import Bar, Ledger, advance
from transforms.model.liquidation_price import Tiers
from transforms.model.population import AGES, Population
from transforms.model.price_grid import bucket

LONG, SHORT = +1, -1
FIRST_H = 490_920  # hours since the epoch; any will do
UNKNOWN = math.nan
PRIOR = prior()
LADDER = [[float(str(t[n])) for t in documented("binance")] for n in ("tier_cap", "maintenance_rate", "deduction")]
CONTRACT = Contract("binance", "linear", Tiers(*map(tuple, LADDER), max_leverage_x=(150.0,) * len(LADDER[0])))
few = settings(max_examples=30, deadline=None)


def bar(price: float, oi: float, *, low: float = 0, high: float = 0, close: float = 0, taker: float = 0.0) -> Bar:
    """An hour's only bar, flat unless told."""
    close = close or price
    return Bar(1.0, price, high or max(price, close), low or min(price, close), close, taker, oi)


def moved(crowd: Population, *bars: Bar, hour_h: int = FIRST_H) -> Ledger:
    return advance(crowd, list(bars), CONTRACT, PRIOR, hour_h)


@st.composite
def walks(draw: st.DrawFn) -> list[HourInput]:
    """Hours of up to three bars: moves of up to 3 % a bar, silent hours, missing readings, sudden open interest."""
    price, hours = draw(st.floats(0.01, 1e5)), []
    for n in range(draw(st.integers(2, 5))):
        bars: dict[int, list[Bar]] = {LONG: [], SHORT: []}
        count = draw(st.integers(0, 3))
        for _ in range(count):
            opened, price = price, price * draw(st.floats(0.97, 1.03))
            high = max(opened, price) * draw(st.floats(1.0, 1.02))
            low = min(opened, price) * draw(st.floats(0.98, 1.0))
            oi = draw(st.one_of(st.floats(10.0, 1000.0), st.just(UNKNOWN), st.just(500.0)))
            for side in bars.values():
                side.append(Bar(1.0 / count, opened, high, low, price, draw(st.floats(0.0, 300.0)), oi))
        known = bool(bars[LONG]) and not math.isnan(bars[LONG][-1].open_interest)
        hours.append(HourInput(FIRST_H + n, bars, CONTRACT, fresh=known))
    return hours


def sides(price: float = 100.0) -> dict[int, Population]:
    return {s: Population.empty(s, price) for s in (LONG, SHORT)}


def first_price(hours: list[HourInput]) -> float:
    return next((b.open for hour in hours for b in hour.bars[LONG]), 100.0)


def steps(hours: list[HourInput]) -> Iterator[tuple[HourInput, Population, Ledger]]:
    """Every side after every hour."""
    crowds = sides(first_price(hours))
    for hour in hours:
        for s, crowd in crowds.items():
            yield hour, crowd, advance(crowd, hour.bars[s], hour.contract, PRIOR, hour.hour_h)


@few
@given(hours=walks())
def test_books_balance_and_each_side_is_open_interest(hours: list[HourInput]) -> None:
    stood = {LONG: 0.0, SHORT: 0.0}
    for hour, crowd, did in steps(hours):
        standing = crowd.standing()
        scale = max(standing, did.previous, did.opened, 1.0)
        assert abs(did.previous - stood[crowd.s]) <= 1e-9 * scale
        assert abs(standing - (did.previous + did.opened - did.closed - did.swept)) <= 1e-9 * scale
        assert min(did.opened, did.swept) >= 0.0
        assert did.closed >= -1e-9 * scale
        if hour.fresh:
            assert abs(standing - hour.bars[crowd.s][-1].open_interest) <= 1e-9 * scale
        stood[crowd.s] = standing


@few
@given(hours=walks())
def test_nobody_stands_beyond_the_mark_and_windows_nest(hours: list[HourInput]) -> None:
    for _, crowd, _ in steps(hours):
        cut = crowd.first_reached(crowd.mark)
        assert not crowd.cells[..., slice(cut, None) if crowd.s > 0 else slice(cut)].any()
        for inner, outer in ((1, 2), (2, 3), (3, 0)):
            assert (crowd.cells[inner] <= crowd.cells[outer]).all()
            assert (crowd.never[inner] <= crowd.never[outer]).all()
        assert crowd.cells.min() >= 0.0
        assert crowd.never.min() >= 0.0


@few
@given(hours=walks(), known=st.integers(1, 4))
def test_what_comes_later_changes_nothing_before(hours: list[HourInput], known: int) -> None:
    price = first_price(hours)
    whole, books = run(sides(price), hours, lambda s, hour_h: PRIOR)
    part, earlier = run(sides(price), hours[:known], lambda s, hour_h: PRIOR)
    assert earlier == books[: len(earlier)]
    before = columns(whole)[0] < FIRST_H + known
    for a, b in zip(columns(part), columns(whole), strict=True):
        assert np.array_equal(a, b[before])


@few
@given(hours=walks())
def test_the_map_is_whole_dollars_of_what_the_book_says_is_in_it(hours: list[HourInput]) -> None:
    levels, books = run(sides(first_price(hours)), hours, lambda s, hour_h: PRIOR)
    hour_h, s, _, _, usd = columns(levels)
    assert np.array_equal(usd, np.rint(usd))
    for book in books:
        own = usd[(hour_h == book.hour_h) & (s == book.s), 0]
        # a coin is worth at most the mark below it, and 1.25 of it above; rounding moves half a dollar a row
        at_most = book.in_map * book.mark * (1.0 if book.s > 0 else 1.2513) + 0.5 * len(own)
        assert own.sum() <= at_most * (1 + 1e-12)


def test_first_hour_is_seated_and_counts_as_opened() -> None:
    for crowd in sides().values():
        did = moved(crowd, bar(100, 1000, taker=40))
        assert (did.previous, did.closed, did.swept) == (0.0, 0.0, 0.0)
        assert did.opened == pytest.approx(1000, rel=1e-12)
        assert not crowd.cells[1:].any()  # who stood before the first bar was opened in no window that is known


def test_openings_follow_takers_and_closing_is_the_rest() -> None:
    crowd = sides()[LONG]
    moved(crowd, bar(100, 1000))
    did = moved(crowd, bar(100, 1010, taker=60), hour_h=FIRST_H + 1)
    assert did.opened == pytest.approx(30)  # half of the takers open; open interest alone would ask for 10
    assert did.closed == pytest.approx(20)
    assert crowd.cells[1].sum() + crowd.never[1].sum() < 30  # some of the hour's openings close within it


def test_open_interest_that_takers_do_not_explain_is_opened_too() -> None:
    crowd = sides()[SHORT]
    moved(crowd, bar(100, 1000))
    did = moved(crowd, bar(100, 1100, taker=60), hour_h=FIRST_H + 1)
    assert (did.opened, did.closed) == (pytest.approx(100), pytest.approx(0, abs=1e-9))


def test_a_fall_sweeps_longs_and_no_short() -> None:
    swept = {}
    for s, crowd in sides().items():
        moved(crowd, bar(100, 1000))
        swept[s] = moved(crowd, bar(100, UNKNOWN, low=95, close=99), hour_h=FIRST_H + 1).swept
        assert crowd.standing() == pytest.approx(1000 - swept[s])
        assert crowd.mark == 99
    assert swept[LONG] > 10
    assert swept[SHORT] == 0.0


def test_bars_without_open_interest_leave_their_volume_to_the_next() -> None:
    crowd, other = sides()[LONG], sides()[LONG]
    for each in (crowd, other):
        moved(each, bar(100, 1000))
    two = [Bar(0.5, 100, 100, 100, 100, 20.0, UNKNOWN), Bar(0.5, 100, 100, 100, 100, 40.0, 1000)]
    assert moved(crowd, *two, hour_h=FIRST_H + 1).opened == pytest.approx(30)
    assert moved(other, two[1], hour_h=FIRST_H + 1).opened == pytest.approx(20)


def test_silence_only_ages() -> None:
    crowd = sides()[LONG]
    moved(crowd, bar(100, 1000))
    before = crowd.cells.copy()
    did = moved(crowd, hour_h=FIRST_H + 1)
    assert (did.opened, did.closed, did.swept) == (0.0, 0.0, 0.0)
    assert np.array_equal(crowd.cells, before)


@pytest.mark.parametrize("s", [LONG, SHORT])
def test_a_window_loses_an_hour_when_it_is_a_day_old(s: int) -> None:
    """What was opened at 25 h, and at 1 h, stands in the day until it is 24 hours old, and in the week after that."""
    crowd = sides()[s]
    moved(crowd, bar(100, 1000))
    moved(crowd, bar(100, 1100), hour_h=FIRST_H + 1)
    opened = crowd.cells[1].sum()
    assert opened > 0
    for age in range(1, 24):
        moved(crowd, bar(100, 1100), hour_h=FIRST_H + 1 + age)
        assert crowd.cells[1].sum() == pytest.approx(opened, rel=1e-9), age
    moved(crowd, bar(100, 1100), hour_h=FIRST_H + 25)
    assert crowd.cells[1].sum() == pytest.approx(0, abs=1e-9)
    assert crowd.never[1].sum() == pytest.approx(0, abs=1e-9)
    assert crowd.cells[2].sum() == pytest.approx(opened, rel=1e-9)


def test_short_lived_positions_close_first() -> None:
    crowd = sides()[LONG]
    moved(crowd, bar(100, 1000))
    before = crowd.by_holding()
    moved(crowd, bar(100, 500), hour_h=FIRST_H + 1)
    kept = crowd.by_holding() / before
    assert (np.diff(kept) > 0).all()
    # every class at its own rate, all sped up by one factor: log survival is in proportion to 1 / half-life
    assert np.log(kept[1]) / np.log(kept[2]) == pytest.approx(40 / 10)


def test_open_interest_of_zero_closes_everybody() -> None:
    crowd = sides()[LONG]
    moved(crowd, bar(100, 1000))
    did = moved(crowd, bar(100, 0.0), hour_h=FIRST_H + 1)
    assert did.closed == pytest.approx(1000)
    assert crowd.standing() == 0.0


def test_the_grid_follows_the_mark_and_loses_nobody() -> None:
    crowd = sides()[SHORT]
    moved(crowd, bar(100, 1000))
    crowd.recentre(20.0)
    assert crowd.origin + crowd.cells.shape[-1] // 2 == bucket(20.0)
    assert crowd.standing() == pytest.approx(1000, rel=1e-12)
    assert crowd.cells.shape[0] == AGES
