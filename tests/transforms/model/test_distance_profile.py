"""How far each class stands from its entry: as the venue's formula says, on the right side, and all of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.model.assumptions import LEVERAGE_EDGES_X, LEVERAGE_X, prior
from transforms.model.distance_profile import Contract, Profile, profiles
from transforms.model.liquidation_price import Tiers, liquidation_price

PRIOR = prior()
LONG, SHORT = +1, -1
VENUES = st.sampled_from(["binance", "bybit", "okx"])
_STEP_PRICE = math.exp(180 * 0.05)  # profiles are made for prices on a grid of 5 %: this is one


def contract(exchange: str, rate: float = 0.004, most: float = 150.0, kind: str = "linear") -> Contract:
    unit = "base" if kind == "inverse" else "usd"
    return Contract(exchange, kind, Tiers((1e12,), (rate,), (0.0,), (most,), unit))


def mean_offset(profile: Profile) -> float:
    return float((profile.shares * (profile.first + np.arange(len(profile.shares)))).sum())


def test_one_leverage_falls_on_two_buckets() -> None:
    """75x on Binance: (1 - 1/75) / (1 - 0.004) is -9.4197 buckets of 10 bp, so 42 % at -10 and 58 % at -9."""
    nearest = profiles(contract("binance", most=75.0), PRIOR, 100_000.0, LONG)[0]
    shares = dict(zip(range(nearest.first, nearest.first + len(nearest.shares)), nearest.shares, strict=True))
    assert {b: round(float(v), 4) for b, v in shares.items() if v > 1e-12} == {-10: 0.4197, -9: 0.5803}


def test_leverage_that_the_tier_does_not_allow_is_brought_down() -> None:
    """At most 20x: the classes of 150x to 35x stand where 20x stands, those below 17x where they stood."""
    capped = profiles(contract("binance", most=20.0), PRIOR, 100_000.0, SHORT)
    free = profiles(contract("binance"), PRIOR, 100_000.0, SHORT)
    at_20x = math.log((1 + 1 / 20) / 1.004) / math.log(1.001)
    for profile in capped[:2]:
        assert mean_offset(profile) == pytest.approx(at_20x)
    assert at_20x < mean_offset(capped[2]) < mean_offset(capped[3])
    for mine, other in zip(capped[3:], free[3:], strict=True):
        assert mine.first == other.first
        assert np.array_equal(mine.shares, other.shares)


@settings(deadline=None, max_examples=40)
@given(
    venue=VENUES, kind=st.sampled_from(["linear", "inverse"]), entry=st.floats(0.001, 1e5),
    s=st.sampled_from([LONG, SHORT]), rate=st.floats(0.001, 0.006),
)  # fmt: skip
def test_every_class_stands_whole_on_its_side_and_further_than_the_last(venue, kind, entry, s, rate) -> None:
    found = profiles(contract(venue, rate, kind=kind), PRIOR, entry, s)
    assert len(found) == len(LEVERAGE_X)
    for profile in found:
        assert profile.shares.sum() == pytest.approx(1.0, rel=1e-12)
        assert profile.shares.min() >= 0.0
        offsets = profile.first + np.flatnonzero(profile.shares)
        assert (offsets <= 0).all() if s > 0 else (offsets >= 1).all()
    distances = [abs(mean_offset(p)) for p in found]
    assert distances == sorted(distances)


@settings(deadline=None, max_examples=20)
@given(venue=VENUES, s=st.sampled_from([LONG, SHORT]))
def test_binning_keeps_the_mean_of_the_formula(venue: str, s: int) -> None:
    """The class of 7x to 17x: uniform in log leverage between its edges, by the venue's own formula."""
    leverage = np.exp(np.linspace(math.log(LEVERAGE_EDGES_X[4]), math.log(LEVERAGE_EDGES_X[3]), 2001))
    entry = np.full(2001, _STEP_PRICE)
    own = contract(venue)
    price = liquidation_price(venue, "linear", entry, 150e3 / entry, leverage, own.tiers, s)
    exact = np.log(price / entry) / math.log(1.001)
    assert mean_offset(profiles(own, PRIOR, _STEP_PRICE, s)[3]) == pytest.approx(exact.mean(), rel=1e-3)


def test_a_larger_position_needs_more_margin_and_stands_nearer() -> None:
    """Position sizes decide the tier: 10,000 USD at 0.4 %, 25,000 at 2 %."""
    tiers = Tiers((20e3, 1e12), (0.004, 0.02), (0.0, 0.0), (150.0, 150.0))
    two = profiles(Contract("bybit", "linear", tiers), PRIOR, _STEP_PRICE, LONG)
    one = profiles(contract("bybit"), PRIOR, _STEP_PRICE, LONG)
    assert np.array_equal(two[0].shares, one[0].shares)
    assert mean_offset(one[1]) < mean_offset(two[1]) < 0


def test_the_same_version_is_made_once() -> None:
    assert profiles(contract("okx"), PRIOR, 100.0, LONG) is profiles(contract("okx"), PRIOR, 100.5, LONG)
