"""The position ledger and the map under any market and weights: they balance and do not look ahead."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.model.market import CONTRACT, FIRST_H, LONG, SHORT, UNKNOWN, bar, first_price, sides, walks
from transforms.model.assumptions import Assumptions, prior
from transforms.model.estimator import HourInput, columns, open_notional, run
from transforms.model.population import Population
from transforms.model.price_grid import middle

few = settings(max_examples=20, deadline=None)
PRIOR = prior("binance")
sizes = st.sampled_from([0.01, 1.0, 30.0])  # factors of the weights: too small for open interest, usual, and too large


def always(times: float = 1.0) -> Callable[[int, int], Assumptions]:
    own = replace(PRIOR, weight=PRIOR.weight * times)
    return lambda s, hour_h: own


def hour(n: int, *bars: object, fresh: bool = True) -> HourInput:
    return HourInput(FIRST_H + n, {LONG: list(bars), SHORT: list(bars)}, CONTRACT, fresh)  # type: ignore[arg-type]


@few
@given(hours=walks(), times=sizes)
def test_ledger_balances_chains_and_fresh_sides_equal_open_interest(hours: list[HourInput], times: float) -> None:
    stood = {LONG: 0.0, SHORT: 0.0}
    by_hour = {h.hour_h: h for h in hours}
    for book in run(sides(first_price(hours)), hours, always(times))[1]:
        scale = max(book.closing, book.opening, book.open_interest or 0.0, 1e-9)
        assert book.opening == stood[book.s]
        assert abs(book.closing - (book.opening + book.opened - book.closed - book.swept)) <= 1e-9 * scale
        assert abs(book.closing - (book.in_map + book.beyond_map + book.unliquidatable)) <= 1e-9 * scale
        assert min(book.opened, book.closed, book.swept, book.in_map, book.beyond_map, book.unliquidatable) >= 0.0
        own = by_hour[book.hour_h]
        assert (book.open_interest is not None) == own.fresh
        if own.fresh:
            assert book.closing == book.open_interest == own.bars[book.s][-1].open_interest
        stood[book.s] = book.closing


@few
@given(hours=walks(), known=st.integers(1, 4))
def test_later_hours_do_not_change_earlier_ones(hours: list[HourInput], known: int) -> None:
    price = first_price(hours)
    whole, books, sweeps = run(sides(price), hours, always())
    part, earlier, swept = run(sides(price), hours[:known], always())
    assert earlier == books[: len(earlier)]
    assert [s.usd.tobytes() for s in swept] == [s.usd.tobytes() for s in sweeps[: len(swept)]]
    before = columns(whole)[0] < FIRST_H + known
    for a, b in zip(columns(part), columns(whole), strict=True):
        assert a.tobytes() == b[before].tobytes()


def handed_on(crowd: Population) -> Population:
    """Return a copy as a store keeps it: nonzero cells and all other state."""
    made = Population.empty(crowd.s, crowd.mark)
    made.cells[:] = np.where(crowd.cells[0] != 0.0, crowd.cells, 0.0)
    made.cohorts, made.moves = deepcopy(crowd.cohorts), crowd.moves.copy()
    made.open_interest, made.standing, made.turnover = crowd.open_interest, crowd.standing, crowd.turnover
    made.initialised_h, made.observed_h, made.aged_h = crowd.initialised_h, crowd.observed_h, crowd.aged_h
    return made


@few
@given(hours=walks(hours=(2, 5)), times=sizes)
def test_hourly_runs_equal_one_run_bit_for_bit(hours: list[HourInput], times: float) -> None:
    at_once, crowds = sides(first_price(hours)), sides(first_price(hours))
    levels, books, sweeps = run(at_once, hours, always(times))
    parts = []
    for each in hours:
        crowds = {s: handed_on(crowd) for s, crowd in crowds.items()}
        parts.append(run(crowds, [each], always(times)))
    assert [book for part in parts for book in part[1]] == books
    assert [s.usd.tobytes() for part in parts for s in part[2]] == [s.usd.tobytes() for s in sweeps]
    for i, whole in enumerate(columns(levels)):
        assert np.concatenate([columns(part[0])[i] for part in parts]).tobytes() == whole.tobytes()
    for s, crowd in at_once.items():
        assert crowds[s].cells.tobytes() == crowd.cells.tobytes()
        assert (crowds[s].mark, crowds[s].standing) == (crowd.mark, crowd.standing)


@few
@given(hours=walks(), times=sizes)
def test_map_is_whole_dollars_and_matches_the_ledger(hours: list[HourInput], times: float) -> None:
    levels, books, _ = run(sides(first_price(hours)), hours, always(times))
    hour_h, s, _, _, usd = columns(levels)
    assert np.array_equal(usd, np.rint(usd))
    assert (usd[:, 1] <= usd[:, 2]).all()
    assert (usd[:, 2] <= usd[:, 3]).all()
    assert (usd[:, 3] <= usd[:, 0]).all()
    for book in books:
        own = usd[(hour_h == book.hour_h) & (s == book.s), 0]
        # a coin is worth at most the mark below the mark and 1.25 times it above; rounding moves half a dollar per cell
        ends = sorted((book.mark, book.mark * (1.0 - 0.25 * book.s)))
        crumbs = 0.5 * 7 * 300
        assert book.in_map * ends[0] * (1 - 1e-3) - crumbs <= own.sum() <= book.in_map * ends[1] * (1 + 1e-3) + crumbs


@few
@given(hours=walks(), times=sizes)
def test_state_does_not_depend_on_weights(hours: list[HourInput], times: float) -> None:
    one, other = sides(first_price(hours)), sides(first_price(hours))
    sweeps, swept = run(one, hours, always())[2], run(other, hours, always(times))[2]
    assert [s.usd.tobytes() for s in sweeps] == [s.usd.tobytes() for s in swept]
    for s, crowd in one.items():
        assert crowd.cells.tobytes() == other[s].cells.tobytes()


@few
@given(mark=st.floats(1e-4, 1e5), s=st.sampled_from([LONG, SHORT]))
def test_map_spans_a_quarter_of_the_price_from_the_mark(mark: float, s: int) -> None:
    crowd = sides(mark)[s]
    crowd.cells[:], crowd.standing = 1.0, 1e9
    at, usd = open_notional(crowd, PRIOR.weight)
    one_more = middle(np.array([at[0] - 1, at[-1] + 1]))
    near, far = sorted((mark, mark * (1.0 - 0.25 * s)))
    assert near * (1 - 1e-9) <= middle(at[:1])[0] < middle(at[-1:])[0] <= far * (1 + 1e-9)
    assert one_more[0] < near * (1 + 1e-9)
    assert one_more[1] > far * (1 - 1e-9)
    assert usd.shape == (4, 7, len(at))


def test_first_hour_counts_as_opened() -> None:
    for book in run(sides(), [hour(0, bar(100, 1000, taker=40))], always())[1]:
        assert (book.opening, book.closed, book.closing) == (0.0, 0.0, 1000.0)
        assert book.opened == pytest.approx(1000 + book.swept, rel=1e-12)
        assert 0 < book.unliquidatable < 1000


def test_excess_over_open_interest_is_scaled_down_evenly() -> None:
    usual, large = sides(), sides()
    hours = [hour(0, bar(100, 1000, taker=40))]
    books = zip(run(usual, hours, always())[1], run(large, hours, always(1e3))[1], strict=True)
    for crowd, (some, all_) in zip(usual.values(), books, strict=True):
        assert some.unliquidatable > 0
        assert all_.unliquidatable == pytest.approx(0, abs=1e-9)
        assert all_.in_map / all_.beyond_map == pytest.approx(some.in_map / some.beyond_map, rel=1e-9)
        one, other = (open_notional(crowd, times * PRIOR.weight) for times in (1e3, 1e6))
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_hour_without_reading_carries_balance_less_liquidations() -> None:
    fall = bar(100, UNKNOWN, low=95, high=100.1, close=96)
    _, books, sweeps = run(sides(), [hour(0, bar(100, 1000)), hour(1, fall, fresh=False)], always())
    for book, sweep in zip(books[2:], sweeps[2:], strict=True):
        assert book.open_interest is None
        assert book.closing == pytest.approx(1000 - book.swept, rel=1e-12)
        assert book.opened == 0.0
        assert book.closed == pytest.approx(0.0, abs=1e-9)
        assert book.swept == pytest.approx((PRIOR.weight * sweep.usd).sum() / (95 * 100.1) ** 0.5, rel=1e-9)
    assert books[2].swept > 10 * books[3].swept


def test_liquidations_do_not_exceed_the_opening_balance() -> None:
    fall = bar(100, UNKNOWN, low=70)
    book = run(sides(), [hour(0, bar(100, 1000)), hour(1, fall, fresh=False)], always(100.0))[1][2]
    assert (book.opened, book.closed, book.swept, book.closing) == (0.0, 0.0, 1000.0, 0.0)


def test_zero_open_interest_closes_the_ledger_once() -> None:
    hours = [hour(0, bar(100, 1000)), *(hour(n, bar(100, 0.0)) for n in (1, 2)), hour(3, bar(100, 700))]
    books = [book for book in run(sides(), hours, always())[1] if book.s == LONG]
    assert [(book.opening, book.closing) for book in books] == [(0, 1000), (1000, 0), (0, 700)]
    assert books[1].closed == pytest.approx(1000)


def test_no_ledger_before_open_interest_is_known() -> None:
    hours = [hour(0, bar(100, UNKNOWN, taker=9), fresh=False), hour(1, bar(103, 1000, taker=9)), hour(2, fresh=False)]
    levels, books, sweeps = run(sides(), hours, always())
    assert [book.hour_h - FIRST_H for book in books] == [1, 1, 2, 2]
    assert (len(sweeps), len(levels.hour_h)) == (4, 4)
    again = run(sides(103.0), hours[1:], always())
    assert again[1] == books
