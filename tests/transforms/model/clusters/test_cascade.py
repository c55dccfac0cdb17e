"""Self-sustaining cascades: the effect of notional and of market impact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.model.clusters.cascade import NEAREST, NOTHING, cascade
from transforms.model.clusters.market_impact import PRIOR, Impact

LAW = Impact(PRIOR, 0.04, 1e8)
STEPS = np.arange(1, 101) * NEAREST
maps = st.lists(st.integers(0, 10**7), min_size=100, max_size=100).map(lambda v: np.array(v, dtype=np.float64))


def feeds(reach: float) -> float:
    """Return the notional within `reach` that makes R exactly 1 there."""
    return (reach / LAW.daily_volatility) ** 2 * LAW.daily_volume_usd


class TestProperties:
    @given(standing=maps, more=maps)
    def test_more_notional_never_moves_the_trigger_outward(self, standing: np.ndarray, more: np.ndarray) -> None:
        few, many = (cascade(STEPS, np.cumsum(usd), LAW) for usd in (standing, standing + more))
        assert few.trigger is None or (many.trigger is not None and many.trigger <= few.trigger)
        assert (few.largest or 0) <= (many.largest or 0)

    @given(standing=maps)
    def test_doubled_constant_doubles_the_ratio(self, standing: np.ndarray) -> None:
        usd = np.cumsum(standing)
        once = cascade(STEPS, usd, LAW)
        twice = cascade(STEPS, usd, replace(LAW, constant=replace(PRIOR, y=2.0)))
        assert twice.largest == (once.largest and 2 * once.largest)
        assert twice.largest_at == once.largest_at
        assert once.trigger is None or (twice.trigger is not None and twice.trigger <= once.trigger)

    @given(standing=maps)
    def test_trigger_precedes_exhaustion_and_needs_a_ratio_of_one(self, standing: np.ndarray) -> None:
        found = cascade(STEPS, np.cumsum(standing), LAW)
        assert (found.trigger is None) == (found.largest is None or found.largest < 1)
        if found.trigger is not None and found.exhaustion is not None:
            assert found.trigger <= found.exhaustion
            assert found.amplification == found.exhaustion / found.trigger
            assert found.is_open_ended or found.exhaustion > found.trigger


class TestExamples:
    def test_empty_map_has_no_cascade(self) -> None:
        assert cascade(STEPS, np.zeros(100), LAW) == NOTHING
        assert cascade(STEPS[:0], STEPS[:0], LAW) == NOTHING

    def test_ratio_of_one_triggers_a_cascade(self) -> None:
        found = cascade(np.array([0.04, 0.08]), np.full(2, LAW.daily_volume_usd), LAW)
        assert found.largest == 1.0
        assert (found.trigger, found.exhaustion, found.is_open_ended) == (0.04, 0.08, False)
        assert found.amplification == 2.0

    def test_single_bucket_triggers_a_cascade(self) -> None:
        found = cascade(np.array([0.01]), np.array([2 * feeds(0.01)]), LAW)
        assert (found.trigger, found.exhaustion, found.is_open_ended, found.amplification) == (0.01, 0.01, True, 1.0)
        assert cascade(np.array([0.01]), np.array([0.5 * feeds(0.01)]), LAW).trigger is None

    def test_cascade_ends_where_little_notional_is_added(self) -> None:
        usd = np.where(STEPS >= 0.02, 1.1 * feeds(0.03), 0.0)
        found = cascade(STEPS, usd, LAW)
        assert (found.trigger, found.exhaustion) == pytest.approx((0.02, 0.032))

    def test_cascade_does_not_cross_a_gap(self) -> None:
        usd = np.where(STEPS >= 0.05, 2 * feeds(0.05), np.where(STEPS >= 0.01, 1.1 * feeds(0.01), 0.0))
        found = cascade(STEPS, usd, LAW)
        assert (found.trigger, found.exhaustion) == pytest.approx((0.01, 0.011))
        assert found.largest_at == pytest.approx(0.05)

    def test_notional_within_a_bucket_counts_but_does_not_trigger(self) -> None:
        found = cascade(np.array([NEAREST / 2, 0.02]), np.array([feeds(0.02), feeds(0.02)]), LAW)
        assert found.trigger == 0.02
