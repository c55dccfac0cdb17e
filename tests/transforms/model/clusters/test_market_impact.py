"""The square-root law of market impact, and the recovery of its constant from simulated hours."""

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
    """Return hours with a daily volatility of 1 at constant Y; `shared` is noise common to a day."""
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
    def test_impact_grows_with_the_root_of_volume_and_with_y(self, usd: float, y: float) -> None:
        law, twice = Impact(Constant(y, y, y), 0.03, 1e9), Impact(Constant(2 * y, y, y), 0.03, 1e9)
        assert law.of(np.array([4 * usd])) == pytest.approx(2 * law.of(np.array([usd])))
        assert twice.of(np.array([usd])) == pytest.approx(2 * law.of(np.array([usd])))

    def test_daily_volume_moves_the_price_by_daily_volatility(self) -> None:
        assert Impact(PRIOR, 0.03, 1e9).of(np.array([0.0, 1e9])).tolist() == [0.0, 0.03]


class TestVolatility:
    def test_daily_volatility_scales_from_hours(self) -> None:
        assert daily_volatility([Hour(0, 0.01), Hour(0, -0.01)] * 12) == pytest.approx(0.01 * sqrt(24))

    def test_few_hours_have_no_volatility(self) -> None:
        assert daily_volatility([Hour(0, 0.01)] * (LEAST_HOURS - 1)) is None

    def test_constant_price_has_no_volatility(self) -> None:
        assert daily_volatility([Hour(0, 0.0)] * 48) is None


class TestFit:
    def test_fit_recovers_the_constant(self) -> None:
        found = fit(market(0.8, 10), 1.0)
        assert found.is_fitted
        assert (found.y, found.low, found.high) == pytest.approx((0.8, 0.8, 0.8))

    @pytest.mark.parametrize("shared", [0.0, 0.05])
    def test_interval_covers_the_constant_at_its_nominal_rate(self, shared: float) -> None:
        """This also holds for errors shared within a day, which independent hours would underestimate."""
        found = [fit(market(3.0, 20, 0.05, seed, shared), 1.0) for seed in range(300)]
        assert np.mean([c.low <= 3.0 <= c.high for c in found]) == pytest.approx(0.95, abs=0.03)

    def test_hours_without_flow_are_ignored(self) -> None:
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
    def test_insufficient_data_keep_the_prior(self, hours: list[Hour]) -> None:
        assert fit(hours, 1.0) == PRIOR

    @given(st.permutations(range(24)))
    def test_order_of_hours_does_not_change_the_fit(self, order: list[int]) -> None:
        hours = market(0.8, 8, 0.05)
        assert fit([hours[i] for i in order] + hours[24:], 1.0) == fit(hours, 1.0)
