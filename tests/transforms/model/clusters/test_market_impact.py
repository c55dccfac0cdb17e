"""The square-root law: what it says, and that its constant is found again in what was made with it."""

from __future__ import annotations

from math import copysign, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.model.clusters.market_impact import (
    LEAST_DAYS,
    LEAST_HOURS,
    PRIOR,
    Constant,
    Hour,
    Impact,
    daily_volatility,
    fit,
)

amounts = st.floats(1.0, 1e12)


def market(y: float, days: int, noise: float = 0.0, seed: int = 0, shared: float = 0.0) -> list[Hour]:
    """Hours of a volatility of 1 a day at that Y; `shared` is noise that a whole day has in common."""
    g = np.random.default_rng(seed)
    made = []
    for day in range(days):
        common = shared * g.standard_normal()
        for flow in g.standard_normal(24) / 100:
            moved = y * copysign(sqrt(abs(flow)), flow) + noise * g.standard_normal() + common * copysign(1.0, flow)
            made.append(Hour(day, moved, float(flow)))
    return made


class TestLaw:
    @given(usd=amounts, y=st.floats(0.1, 10))
    def test_it_grows_with_the_root_of_what_trades_and_with_its_constant(self, usd: float, y: float) -> None:
        law, twice = Impact(Constant(y, y, y), 0.03, 1e9), Impact(Constant(2 * y, y, y), 0.03, 1e9)
        assert law.of(np.array([4 * usd])) == pytest.approx(2 * law.of(np.array([usd])))
        assert twice.of(np.array([usd])) == pytest.approx(2 * law.of(np.array([usd])))

    def test_a_days_volume_moves_the_price_by_a_days_volatility(self) -> None:
        assert Impact(PRIOR, 0.03, 1e9).of(np.array([0.0, 1e9])).tolist() == [0.0, 0.03]


class TestVolatility:
    def test_a_day_is_24_hours(self) -> None:
        assert daily_volatility([Hour(0, 0.01), Hour(0, -0.01)] * 12) == pytest.approx(0.01 * sqrt(24))

    def test_a_few_hours_are_not_enough(self) -> None:
        assert daily_volatility([Hour(0, 0.01)] * (LEAST_HOURS - 1)) is None

    def test_a_price_that_never_moved_has_none(self) -> None:
        assert daily_volatility([Hour(0, 0.0)] * 48) is None


class TestFit:
    def test_the_constant_is_found_again(self) -> None:
        found = fit(market(0.8, 10), 1.0)
        assert found.is_fitted
        assert (found.y, found.low, found.high) == pytest.approx((0.8, 0.8, 0.8))

    @pytest.mark.parametrize("shared", [0.0, 0.05])
    def test_its_range_holds_it_as_often_as_it_says(self, shared: float) -> None:
        """Also where the hours of a day err together; taken one by one they would promise too much."""
        found = [fit(market(3.0, 20, 0.05, seed, shared), 1.0) for seed in range(300)]
        assert np.mean([c.low <= 3.0 <= c.high for c in found]) == pytest.approx(0.95, abs=0.03)

    def test_hours_without_a_known_flow_are_no_data(self) -> None:
        known = market(0.8, 10)
        assert fit([each for hour in known for each in (hour, Hour(hour.day, 5.0))], 1.0) == fit(known, 1.0)

    @pytest.mark.parametrize(
        "hours",
        [
            [],
            market(0.8, LEAST_DAYS - 1),
            [Hour(day, 0.01, 0.0) for day in range(30)],
            [Hour(day, 0.01) for day in range(30)],
            market(-0.8, 10),
            market(0.0, 10, noise=0.05),
        ],
        ids=["nothing", "too few days", "no flow", "unknown flow", "against the flow", "not told from zero"],
    )
    def test_the_prior_stands(self, hours: list[Hour]) -> None:
        assert fit(hours, 1.0) == PRIOR

    @given(st.permutations(range(24)))
    def test_the_order_of_a_days_hours_does_not_show_in_the_last_digit(self, order: list[int]) -> None:
        hours = market(0.8, 8, 0.05)
        assert fit([hours[i] for i in order] + hours[24:], 1.0) == fit(hours, 1.0)
