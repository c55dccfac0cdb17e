"""Baseline estimators: each does exactly what its definition says, so that comparisons with them are fair."""

from __future__ import annotations

import math

import numpy as np
import pytest

from transforms.model.assumptions import LEVERAGE_X, WINDOWS_H, prior
from transforms.model.baselines import LADDER_X, Distance, Ladder, OpenInterest
from transforms.model.distance_profile import Contract
from transforms.model.estimator import MAP_RANGE
from transforms.model.estimators import ESTIMATORS, Estimator
from transforms.model.liquidation_price import Tiers
from transforms.model.population import AGES, CLASSES
from transforms.model.price_grid import Floats, bucket, edge, middle
from transforms.model.step import Bar

CONTRACT = Contract("binance", "linear", Tiers((1e12,), (0.004,), (0.0,), (150.0,)))
PRIOR = prior("binance")
FIRST_H = 490_920
SIDES = [+1, -1]


def bar(price: float, oi: float, *, low: float = 0.0, high: float = 0.0) -> Bar:
    return Bar(1.0, price, high or price, low or price, price, 10.0, oi)


def carried(make: type[Ladder | Distance | OpenInterest], s: int, *bars: Bar | None) -> Estimator:
    """Return an estimator after one hour per bar; None is an hour without a bar."""
    made = make(s, 100_000.0)
    for n, each in enumerate(bars):
        made.advance([each] if each else [], CONTRACT, FIRST_H + n)
    return made


def held(estimator: Estimator) -> Floats:
    """Return the USD [ages, classes] of an estimator."""
    return np.asarray(estimator.standing(PRIOR)[1].sum(axis=-1))


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("s", SIDES)
class TestEveryEstimator:
    def carried(self, name: str, s: int) -> Estimator:
        made = ESTIMATORS[name](s, 100_000.0)
        for n in range(60):
            price = 100_000.0 * (1 + 0.01 * math.sin(n / 5))
            made.advance([bar(price, 1000.0 + 50 * n, low=price * 0.998, high=price * 1.002)], CONTRACT, FIRST_H + n)
        return made

    def test_map_lies_within_range_on_its_side_of_the_mark(self, name: str, s: int) -> None:
        made = self.carried(name, s)
        buckets, usd = made.standing(PRIOR)
        assert usd.shape == (AGES, CLASSES, len(buckets))
        assert usd[0].sum() > 1e6
        ahead = s * (1.0 - middle(buckets) / made.mark)
        assert (ahead > 0.0).all()
        assert (ahead <= MAP_RANGE + 1e-12).all()

    def test_shorter_windows_hold_no_more_than_longer_ones(self, name: str, s: int) -> None:
        usd = self.carried(name, s).standing(PRIOR)[1]
        for shorter, longer in ((1, 2), (2, 3), (3, 0)):
            assert (usd[shorter] <= usd[longer]).all()

    def test_map_is_empty_before_open_interest_is_known(self, name: str, s: int) -> None:
        made = ESTIMATORS[name](s, 100_000.0)
        assert not made.standing(PRIOR)[1].any()
        made.advance([bar(100_000.0, math.nan)], CONTRACT, FIRST_H)
        made.advance([], CONTRACT, FIRST_H + 1)
        assert not made.standing(PRIOR)[1].any()


class TestLadder:
    @pytest.mark.parametrize(
        ("s", "expected"),
        [(+1, (99_397.59, 98_393.57, 96_385.54, 90_361.45)), (-1, (100_597.61, 101_593.63, 103_585.66, 109_561.75))],
    )
    def test_rise_opens_quarters_at_the_exact_prices(self, s: int, expected: tuple[float, ...]) -> None:
        """The prices are E (1 - s/L) / (1 - s m) at a rate of 0.4 %; each side takes the whole rise."""
        made = carried(Ladder, s, bar(100_000.0, 1000.0), bar(100_000.0, 1004.0))
        buckets, usd = made.standing(PRIOR)
        for leverage, price in zip(LADDER_X, expected, strict=True):
            (at,) = np.flatnonzero(usd[0, LEVERAGE_X.index(leverage)])
            assert edge(buckets[at]) <= price < edge(buckets[at] + 1)
            assert usd[0, LEVERAGE_X.index(leverage), at] == pytest.approx(price, rel=1e-3)  # a coin
        assert usd[0].sum() == pytest.approx(sum(expected), rel=1e-3)

    def test_first_reading_and_fall_change_nothing(self) -> None:
        made = carried(Ladder, +1, bar(1e5, 1000.0), bar(1e5, 1004.0))
        before = held(made)
        made.advance([bar(1e5, 500.0)], CONTRACT, FIRST_H + 2)
        assert (held(made) == before).all()
        assert not held(carried(Ladder, +1, bar(1e5, 1000.0))).any()

    @pytest.mark.parametrize("s", SIDES)
    def test_touched_levels_are_deleted(self, s: int) -> None:
        reached = {+1: 98_000.0, -1: 102_000.0}[s]
        touching = bar(1e5, 1004.0, low=min(reached, 1e5), high=max(reached, 1e5))
        made = carried(Ladder, s, bar(1e5, 1000.0), bar(1e5, 1004.0), touching, bar(1e5, 1004.0))
        assert [LEVERAGE_X[k] for k in np.flatnonzero(held(made)[0])] == [25.0, 10.0]

    def test_hourly_rise_is_placed_at_the_mean_price(self) -> None:
        made = Ladder(+1, 1e5)
        made.advance([bar(1e5, 1000.0)], CONTRACT, FIRST_H)
        made.advance([bar(1e5, 1010.0), bar(1.02e5, math.nan), bar(1.04e5, 1004.0)], CONTRACT, FIRST_H + 1)
        buckets, usd = made.standing(PRIOR)
        (at,) = np.flatnonzero(usd[0, LEVERAGE_X.index(10.0)])
        assert buckets[at] == bucket(1.02e5 * 0.9 / 0.996)
        assert usd[0, :, at].sum() == pytest.approx(middle(buckets[at]), rel=1e-5)

    def test_windows_end_by_age(self) -> None:
        made = carried(Ladder, -1, bar(1e5, 1000.0), bar(1e5, 1004.0))
        opened_h = FIRST_H + 1
        for age, length in enumerate(WINDOWS_H, start=1):
            made.advance([], CONTRACT, opened_h + length - 1)
            assert held(made)[age].any()
            made.advance([], CONTRACT, opened_h + length)
            assert not held(made)[age].any()
        assert held(made)[0].any()

    def test_leverage_is_capped_by_the_tier(self) -> None:
        narrow = Contract("binance", "linear", Tiers((1e12,), (0.004,), (0.0,), (20.0,)))
        made = Ladder(+1, 1e5)
        for n, oi in enumerate((1000.0, 1004.0)):
            made.advance([bar(1e5, oi)], narrow, FIRST_H + n)
        buckets, usd = made.standing(PRIOR)
        filled = set(buckets[np.flatnonzero(usd[0].sum(axis=0))].tolist())
        assert filled == {bucket(1e5 * (1 - 1 / 20) / 0.996), bucket(1e5 * (1 - 1 / 10) / 0.996)}


class TestDistance:
    def test_map_depends_on_mark_and_open_interest_only(self) -> None:
        """Two paths to the same mark and open interest give one map."""
        short_way = carried(Distance, +1, bar(1e5, 900.0))
        long_way = carried(Distance, +1, bar(1.1e5, 500.0), bar(0.9e5, 5000.0), bar(1e5, 900.0))
        for mine, theirs in zip(short_way.standing(PRIOR), long_way.standing(PRIOR), strict=True):
            assert (mine == theirs).all()

    def test_map_is_proportional_to_and_below_open_interest(self) -> None:
        one, two = (held(carried(Distance, -1, bar(1e5, oi))) for oi in (1e3, 2e3))
        assert two == pytest.approx(2 * one, rel=1e-3, abs=500)
        assert one[0].sum() < 1e3 * 1.25e5

    def test_nearer_classes_turn_over_faster(self) -> None:
        day = held(carried(Distance, +1, bar(1e5, 1e4)))
        shares = day[1, :-1] / day[0, :-1]  # the last class is beyond the range
        assert (shares > 0.0).all()
        assert (np.diff(shares) < 0.0).all()

    def test_map_stays_without_a_bar(self) -> None:
        before = carried(Distance, +1, bar(1e5, 900.0)).standing(PRIOR)[1]
        assert (carried(Distance, +1, bar(1e5, 900.0), None).standing(PRIOR)[1] == before).all()


class TestOpenInterest:
    @pytest.mark.parametrize("s", SIDES)
    def test_open_interest_is_spread_evenly_over_the_range(self, s: int) -> None:
        usd = carried(OpenInterest, s, bar(1e5, 7.0), bar(1e5, 900.0)).standing(PRIOR)[1]
        each = usd.sum(axis=1)
        assert (each == each[0, 0]).all()
        assert each[0].sum() == pytest.approx(9e7, rel=1e-4)

    def test_classes_match_the_distance(self) -> None:
        usd = carried(OpenInterest, +1, bar(1e5, 900.0)).standing(PRIOR)[1]
        nearest = [int(np.flatnonzero(usd[0, :, -n])[0]) for n in (5, 20, 40, 100, 200)]  # bp times ten from the mark
        assert [LEVERAGE_X[k] for k in nearest] == [100.0, 50.0, 25.0, 10.0, 5.0]
