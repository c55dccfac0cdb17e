"""Opening activity: equal to taker volume, or less than proportional to it where account growth is published."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.model.activity import (
    FIRST_COUNTS_H,
    FIRST_TURNOVER_PER_HOUR,
    MOST,
    MOST_STRETCH,
    activity,
    stretch,
    usual,
)

coins = st.floats(1.0, 1e6)
rates = st.floats(FIRST_TURNOVER_PER_HOUR, 10.0)  # no stretch
slow = st.floats(1e-4, FIRST_TURNOVER_PER_HOUR)
hours = st.floats(1 / 60, 1.0)


@given(open_interest=coins, hours=hours, rate=rates)
def test_usual_rate_opens_the_traded_volume(open_interest: float, hours: float, rate: float) -> None:
    taker = rate * open_interest * hours
    assert activity(taker, open_interest, hours, rate, 0.0) == pytest.approx(taker, rel=1e-12)


@given(taker=coins, open_interest=coins, hours=hours, rate=rates)
def test_activity_grows_with_the_root_of_volume(taker: float, open_interest: float, hours: float, rate: float) -> None:
    once, four = (activity(n * taker, open_interest, hours, rate, 0.0) for n in (1, 4))
    assert four == pytest.approx(2 * once, rel=1e-12)


@given(taker=coins, open_interest=coins, rate=rates, growth=st.floats(-0.1, 0.1), unit=st.floats(1e-6, 1e6))
def test_unit_does_not_matter(taker: float, open_interest: float, rate: float, growth: float, unit: float) -> None:
    own = activity(taker, open_interest, 1.0, rate, growth)
    assert activity(taker * unit, open_interest * unit, 1.0, rate, growth) == pytest.approx(own * unit, rel=1e-9)


@given(parts=st.lists(st.tuples(coins, hours), min_size=1, max_size=12), open_interest=coins, rate=rates)
def test_uneven_trade_opens_less_than_even_trade(
    parts: list[tuple[float, float]], open_interest: float, rate: float
) -> None:
    """Equal parts of an hour open as much as the whole hour, so the bar length alone does not matter."""
    taker, length = (sum(column) for column in zip(*parts, strict=True))
    whole = activity(taker, open_interest, length, rate, 0.0)
    uneven = sum(activity(t, open_interest, h, rate, 0.0) for t, h in parts)
    even = sum(activity(taker / 12, open_interest, length / 12, rate, 0.0) for _ in range(12))
    assert uneven <= whole * (1 + 1e-12)
    assert even == pytest.approx(whole, rel=1e-12)


@given(taker=coins, open_interest=coins, growth=st.floats(0.0, 0.1))
def test_account_growth_opens_eight_times_its_share(taker: float, open_interest: float, growth: float) -> None:
    still, more, fewer = (activity(taker, open_interest, 1.0, 0.12, g) for g in (0.0, growth, -growth))
    assert more - still == pytest.approx(8 * growth * open_interest, rel=1e-9, abs=1e-9 * still)
    assert fewer == pytest.approx(max(still - 8 * growth * open_interest, 0.0), rel=1e-9, abs=1e-9 * still)


def test_shrinking_accounts_open_nothing() -> None:
    assert activity(1.0, 1000.0, 1.0, 0.12, -0.5) == 0.0


@given(taker=coins, open_interest=coins, hours=hours, rate=rates)
def test_all_volume_counts_without_account_data(taker: float, open_interest: float, hours: float, rate: float) -> None:
    """This holds at any usual rate that is not low."""
    assert activity(taker, open_interest, hours, rate, math.nan) == taker


@given(taker=coins, open_interest=coins, hours=hours, rate=slow, growth=st.sampled_from([0.0, math.nan]))
def test_slow_markets_open_more_per_coin_and_hold_longer(
    taker: float, open_interest: float, hours: float, rate: float, growth: float
) -> None:
    """A steady market holds the same share of open interest at any turnover, down to a ninth of the first."""
    opened = activity(taker, open_interest, hours, rate, growth)
    unstretched = activity(taker, open_interest, hours, FIRST_TURNOVER_PER_HOUR, growth)
    if math.isnan(growth):
        assert opened == pytest.approx(unstretched * stretch(rate), rel=1e-12)
    steady = activity(rate, 1.0, 1.0, rate, growth) * stretch(rate)  # openings times holding time
    least = min(rate * MOST_STRETCH**2, FIRST_TURNOVER_PER_HOUR)
    assert steady == pytest.approx(least, rel=1e-9)


def test_stretch_is_one_where_turnover_is_high_and_is_capped() -> None:
    assert [stretch(x) for x in (10.0, FIRST_TURNOVER_PER_HOUR)] == [1.0, 1.0]
    assert stretch(FIRST_TURNOVER_PER_HOUR / 4) == pytest.approx(2.0)
    assert stretch(1e-9) == MOST_STRETCH


def test_unknown_volume_opens_only_by_account_growth() -> None:
    assert activity(math.nan, 1000.0, 1.0, 0.12, math.nan) == 0.0
    assert activity(math.nan, 1000.0, 1.0, 0.12, 0.02) == pytest.approx(160.0)


def test_nothing_opens_without_open_interest_or_volume() -> None:
    for growth in (0.0, math.nan):
        assert activity(50.0, 0.0, 1.0, 0.12, growth) == 0.0
        assert activity(0.0, 1000.0, 1.0, 0.12, growth) == 0.0
        assert activity(-1.0, 1000.0, 1.0, 0.12, growth) == 0.0
    assert activity(50.0, 0.0, 1.0, 0.12, 0.3) == 0.0


def after(observed_h: float, *bars: tuple[float, float], oi: float = 100.0, rate: float = 0.12) -> tuple[float, float]:
    """Return the usual turnover and its hours after bars of (taker, hours)."""
    for taker, length in bars:
        rate, observed_h = usual(rate, observed_h, taker, oi, length)
    return rate, observed_h


def test_usual_rate_is_a_plain_mean_at_first() -> None:
    """The first turnover counts as a day: after a day of 0.4 an hour the mean is half-way, give or take the decay."""
    rate, observed_h = after(FIRST_COUNTS_H, *[(40.0, 1.0)] * 24)
    assert rate == pytest.approx((0.12 + 0.40) / 2, abs=0.01)
    assert observed_h == pytest.approx(48.0, rel=0.05)


def test_usual_rate_has_a_half_life_of_two_weeks() -> None:
    settled = 1.0 / (1.0 - 0.5 ** (1 / 336))
    rate, observed_h = after(settled, *[(40.0, 1.0)] * 336)
    assert (rate, observed_h) == (pytest.approx((0.12 + 0.40) / 2, rel=1e-9), pytest.approx(settled, rel=1e-9))


@given(rate=rates, taker=coins, open_interest=coins, hours=hours, observed_h=st.floats(1.0, 500.0))
def test_usual_rate_moves_towards_the_bar(
    rate: float, taker: float, open_interest: float, hours: float, observed_h: float
) -> None:
    own = taker / (open_interest * hours)
    moved, counted_h = usual(rate, observed_h, taker, open_interest, hours)
    assert min(rate, own) * (1 - 1e-12) <= moved <= max(rate, own) * (1 + 1e-12)
    assert moved <= usual(rate, observed_h, MOST * rate * open_interest * hours, open_interest, hours)[0] * (1 + 1e-12)
    assert hours <= counted_h <= observed_h + hours
    if own <= MOST * rate:
        halves = after(observed_h, *[(taker / 2, hours / 2)] * 2, oi=open_interest, rate=rate)
        assert halves == (pytest.approx(moved, rel=1e-2), pytest.approx(counted_h, rel=1e-2))


def test_one_wrong_reading_hardly_moves_the_usual_rate() -> None:
    rate, _ = usual(0.12, 480.0, 10.0, 1e-6, 1 / 12)
    assert rate == pytest.approx(0.12 * (1 + 19 / 12 / 480), rel=1e-3)


@pytest.mark.parametrize(("taker", "oi", "length"), [(50.0, 0.0, 1.0), (50.0, 0.0, 0.0), (math.nan, 100.0, 1.0)])
def test_usual_rate_stays_without_open_interest_or_volume(taker: float, oi: float, length: float) -> None:
    assert usual(0.2, 30.0, taker, oi, length) == (0.2, 30.0)
