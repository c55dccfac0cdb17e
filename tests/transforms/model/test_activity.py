"""Opening activity: equal to taker volume, or less than proportional to it where account growth is published."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.model.activity import MOST, activity, typical

coins = st.floats(1.0, 1e6)
rates = st.floats(0.01, 10.0)
hours = st.floats(1 / 60, 1.0)


@given(open_interest=coins, hours=hours, rate=rates)
def test_typical_rate_opens_the_traded_volume(open_interest: float, hours: float, rate: float) -> None:
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
    """This holds at any typical rate."""
    assert activity(taker, open_interest, hours, rate, math.nan) == taker


def test_nothing_opens_without_open_interest_or_volume() -> None:
    for growth in (0.0, math.nan):
        assert activity(50.0, 0.0, 1.0, 0.12, growth) == 0.0
        assert activity(0.0, 1000.0, 1.0, 0.12, growth) == 0.0
        assert activity(-1.0, 1000.0, 1.0, 0.12, growth) == 0.0
    assert activity(50.0, 0.0, 1.0, 0.12, 0.3) == 0.0


def test_typical_rate_has_a_half_life_of_three_days() -> None:
    rate = 0.12
    for _ in range(72):
        rate = typical(rate, 40.0, 100.0, 1.0)
    assert rate == pytest.approx((0.12 + 0.40) / 2, rel=1e-9)


@given(rate=rates, taker=coins, open_interest=coins, hours=hours)
def test_typical_rate_moves_towards_the_bar(rate: float, taker: float, open_interest: float, hours: float) -> None:
    own = taker / (open_interest * hours)
    after = typical(rate, taker, open_interest, hours)
    assert min(rate, own) * (1 - 1e-12) <= after <= max(rate, own) * (1 + 1e-12)
    assert after <= typical(rate, MOST * rate * open_interest * hours, open_interest, hours) * (1 + 1e-12)
    if own <= MOST * rate:
        in_two = typical(typical(rate, taker / 2, open_interest, hours / 2), taker / 2, open_interest, hours / 2)
        assert in_two == pytest.approx(after, rel=1e-9)


def test_one_wrong_reading_hardly_moves_the_typical_rate() -> None:
    assert typical(0.12, 10.0, 1e-6, 1 / 12) == pytest.approx(0.12 * (1 + 19 * (1 - 0.5 ** (1 / 12 / 72))), rel=1e-9)


def test_typical_rate_stays_without_open_interest() -> None:
    assert typical(0.2, 50.0, 0.0, 1.0) == 0.2
    assert not math.isnan(typical(0.2, 50.0, 0.0, 0.0))
