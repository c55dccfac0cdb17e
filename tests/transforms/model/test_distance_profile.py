"""Distance profiles: each leverage class at the liquidation distance of the exchange's formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.model.assumptions import LEVERAGE_EDGES_X, LEVERAGE_X, POSITION_USD, ROUND_X
from transforms.model.distance_profile import Contract, Profiles, profiles
from transforms.model.liquidation_price import Tiers, liquidation_price
from transforms.model.price_grid import Floats, Ints

LONG, SHORT = +1, -1
CLASSES = range(len(LEVERAGE_X))
EXCHANGES = st.sampled_from(["binance", "bybit", "okx"])
KINDS = st.sampled_from(["linear", "inverse"])
SIDES = st.sampled_from([LONG, SHORT])
_STEP_PRICE = math.exp(180 * 0.05)  # profiles are built for prices on a grid of 5 %; this is one


def contract(exchange: str, rate: float = 0.004, most: float = 150.0, kind: str = "linear") -> Contract:
    unit = "base" if kind == "inverse" else "usd"
    return Contract(exchange, kind, Tiers((1e12,), (rate,), (0.0,), (most,), unit))


def offsets(made: Profiles, k: int) -> tuple[Ints, Floats]:
    """Return the bucket offsets from the entry and the class's shares at them."""
    own = made.shares[k, : made.length[k]]
    return made.first[k] + np.arange(len(own)), own


def mean_offset(made: Profiles, k: int) -> float:
    at, shares = offsets(made, k)
    return float((at * shares).sum())


def test_single_leverage_splits_over_two_buckets() -> None:
    """At 75x on Binance, (1 - 1/75) / (1 - 0.004) is -9.4197 buckets of 10 bp: 42 % at -10 and 58 % at -9."""
    at, shares = offsets(profiles(contract("binance", most=75.0), 100_000.0, LONG), 0)
    found = {b: round(float(v), 4) for b, v in zip(at.tolist(), shares, strict=True) if v > 1e-12}
    assert found == {-10: 0.4197, -9: 0.5803}


def test_leverage_is_capped_by_the_tier() -> None:
    """With at most 20x, the classes of 150x to 35x move to the distance of 20x; classes below 17x stay."""
    capped = profiles(contract("binance", most=20.0), 100_000.0, SHORT)
    free = profiles(contract("binance"), 100_000.0, SHORT)
    at_20x = math.log((1 + 1 / 20) / 1.004) / math.log(1.001)
    for k in (0, 1):
        assert mean_offset(capped, k) == pytest.approx(at_20x)
    assert at_20x < mean_offset(capped, 2) < mean_offset(capped, 3)
    for k in CLASSES[3:]:
        for mine, other in zip(offsets(capped, k), offsets(free, k), strict=True):
            assert np.array_equal(mine, other)


@settings(deadline=None, max_examples=40)
@given(exchange=EXCHANGES, kind=KINDS, entry=st.floats(0.001, 1e5), s=SIDES, rate=st.floats(0.001, 0.006))
def test_classes_are_complete_ordered_and_on_their_side(
    exchange: str, kind: str, entry: float, s: int, rate: float
) -> None:
    made = profiles(contract(exchange, rate, kind=kind), entry, s)
    assert made.shares.shape == (len(LEVERAGE_X), made.length.max())
    assert np.allclose(made.shares.sum(axis=1), 1.0, rtol=1e-12)
    assert made.shares.min() >= 0.0
    for k in CLASSES:
        at, shares = offsets(made, k)
        assert (at[shares > 0] <= 0).all() if s > 0 else (at[shares > 0] >= 1).all()
        assert not made.shares[k, made.length[k] :].any()
    assert (np.diff([s * -mean_offset(made, k) for k in CLASSES]) > 0).all()


def by_formula(own: Contract, k: int, s: int, leverage: Floats) -> Floats:
    """Return the liquidation distance of each leverage, in buckets, by the exchange's formula."""
    entry = np.full(len(leverage), _STEP_PRICE)
    size = np.full(len(leverage), POSITION_USD[k]) if own.kind == "inverse" else POSITION_USD[k] / entry
    price = liquidation_price(own.exchange, own.kind, entry, size, leverage, own.tiers, s)
    return np.asarray(np.log(price / entry) / math.log(1.001))


def test_half_of_a_class_is_at_its_round_leverage() -> None:
    """At 10x on Binance, (1 - 1/10) / (1 - 0.004) is -101.40 buckets.

    The other half is spread from 17x to 7x: 0.5 / log(17/7) a unit of log leverage, of which one is 1/9 of log price
    at 10x, or 111 buckets: 0.00507 a bucket.
    """
    at, shares = offsets(profiles(contract("binance"), _STEP_PRICE, LONG), 3)
    found = dict(zip(at.tolist(), shares.tolist(), strict=True))
    even = 0.5 / math.log(17 / 7) * 9 * math.log(1.001)
    offset = math.log((1 - 1 / 10) / 0.996) / math.log(1.001)
    crumbs = 5e-4  # the spread part is sampled at ten points a bucket
    assert found[-102] == pytest.approx(0.5 * (-101 - offset) + even, abs=crumbs)
    assert found[-101] == pytest.approx(0.5 * (offset + 102) + even, abs=crumbs)
    assert found[-103] == pytest.approx(even, abs=crumbs)
    assert found[-100] == pytest.approx(even, abs=crumbs)


@settings(deadline=None, max_examples=20)
@given(exchange=EXCHANGES, kind=KINDS, s=SIDES)
def test_spread_part_skips_no_bucket(exchange: str, kind: str, s: int) -> None:
    """The spread part changes slowly within a class and is sampled finely enough to have no gaps."""
    own = contract(exchange, kind=kind)
    made = profiles(own, _STEP_PRICE, s)
    for k in CLASSES:
        at, shares = offsets(made, k)
        even = shares.copy()
        for leverage, share in ROUND_X[k].items():
            (offset,) = by_formula(own, k, s, np.array([leverage]))
            even -= share * np.clip(1.0 - np.abs(at - offset), 0.0, None)  # on the two buckets beside it
        assert even.sum() == pytest.approx(1.0 - sum(ROUND_X[k].values()), rel=1e-9)
        assert even.min() > -1e-12
        within = even[2:-2]
        within = within[: len(within) - np.argmax(within[::-1] > 1e-12)]
        assert within.min() > 0.0
        assert (np.abs(np.diff(np.log(within))) < 0.25).all()


@settings(deadline=None, max_examples=20)
@given(exchange=EXCHANGES, s=SIDES, k=st.sampled_from(CLASSES))
def test_binning_keeps_the_mean_distance(exchange: str, s: int, k: int) -> None:
    """Round leverages count by their shares; the rest is uniform in log leverage within the class."""
    high, low = np.log(LEVERAGE_EDGES_X[k : k + 2])
    own = contract(exchange)
    spread = by_formula(own, k, s, np.exp(np.linspace(low, high, 20_001))).mean()
    rest = 1.0 - sum(ROUND_X[k].values())
    at_round = by_formula(own, k, s, np.array(list(ROUND_X[k]))) @ np.array(list(ROUND_X[k].values()))
    assert mean_offset(profiles(own, _STEP_PRICE, s), k) == pytest.approx(rest * spread + at_round, rel=1e-3)


def test_round_leverages_lie_within_their_class() -> None:
    for k in CLASSES:
        assert all(LEVERAGE_EDGES_X[k + 1] < x < LEVERAGE_EDGES_X[k] for x in ROUND_X[k])
        assert 0.0 < sum(ROUND_X[k].values()) < 1.0


@settings(deadline=None, max_examples=10)
@given(entry=st.floats(0.001, 1e5), rate=st.floats(0.001, 0.006))
def test_inverse_short_mirrors_linear_long(entry: float, rate: float) -> None:
    """The distance is (1 - 1/L) / (1 - rate) below the entry, and equally far above it."""
    long = profiles(contract("binance", rate), entry, LONG)
    short = profiles(contract("binance", rate, kind="inverse"), 1.0 / entry, SHORT)
    for k in CLASSES:
        (below, mine), (above, other) = offsets(long, k), offsets(short, k)
        assert np.allclose(dense(below, mine), dense(-above, other), atol=1e-12)


def dense(at: Ints, shares: Floats) -> Floats:
    whole = np.zeros(1200)
    whole[-at] = shares
    return whole


def test_larger_position_is_liquidated_nearer() -> None:
    """The position size decides the tier: 10,000 USD at 0.4 %, 25,000 USD at 2 %."""
    tiers = Tiers((20e3, 1e12), (0.004, 0.02), (0.0, 0.0), (150.0, 150.0))
    two = profiles(Contract("bybit", "linear", tiers), _STEP_PRICE, LONG)
    one = profiles(contract("bybit"), _STEP_PRICE, LONG)
    assert np.array_equal(offsets(two, 0)[1], offsets(one, 0)[1])
    assert mean_offset(one, 1) < mean_offset(two, 1) < 0


def test_high_maintenance_rate_keeps_one_bucket_of_distance() -> None:
    """No position is liquidated at once: it lies at least one bucket from its entry, on its own side."""
    for s in (LONG, SHORT):
        made = profiles(contract("binance", rate=0.05), _STEP_PRICE, s)
        assert mean_offset(made, 0) == pytest.approx(-s, rel=1e-12)


def test_profiles_are_cached() -> None:
    assert profiles(contract("okx"), 100.0, LONG) is profiles(contract("okx"), 100.5, LONG)
    assert profiles(contract("okx"), 100.0, LONG) is not profiles(contract("okx"), 100.0, SHORT)
