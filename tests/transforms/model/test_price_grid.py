"""The price grid, which must never change: every published map holds its bucket numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.model.kernels.spread import spread
from transforms.model.price_grid import WIDTH, bucket, edge, middle

prices = st.floats(1e-9, 1e9)


@pytest.mark.parametrize(
    ("price", "expected"), [(1.0, 0), (1.0005, 0), (0.9999, -1), (100.0, 4607), (100_000.0, 11518), (1e-5, -11519)]
)
def test_buckets_of_known_prices(price: float, expected: int) -> None:
    """A bucket is ln(price) / ln(1.001), floored: 4.60517 / 0.0009995 = 4607.47."""
    assert bucket(price) == expected


@given(price=prices)
def test_price_lies_between_the_edges_of_its_bucket(price: float) -> None:
    b = bucket(price)
    assert float(edge(b)) <= price * (1 + 1e-12)
    assert price <= float(edge(b + 1)) * (1 + 1e-12)


@given(b=st.integers(-20_000, 20_000))
def test_bucket_is_ten_basis_points_wide_around_its_middle(b: int) -> None:
    assert bucket(float(middle(b))) == bucket(float(edge(b))) == b
    assert float(edge(b + 1) / edge(b)) == pytest.approx(1.001, rel=1e-12)
    assert float(middle(b)) ** 2 == pytest.approx(float(edge(b) * edge(b + 1)), rel=1e-12)


@given(low=prices, ratio=st.floats(1.0, 1.2))
def test_spread_covers_the_buckets_of_the_range(low: float, ratio: float) -> None:
    first, shares = spread(low, low * ratio)
    assert first == bucket(low)
    assert first + len(shares) - 1 == bucket(low * ratio)
    assert shares.sum() == pytest.approx(1.0, rel=1e-9)
    assert shares.min() >= 0.0


def test_partial_buckets_take_partial_shares() -> None:
    first, shares = spread(float(np.exp(10.5 * WIDTH)), float(np.exp(13.0 * WIDTH + 1e-9)))
    assert first == 10
    assert shares[:3] == pytest.approx([0.2, 0.4, 0.4], abs=1e-5)


def test_constant_price_is_one_bucket() -> None:
    first, shares = spread(100.0, 100.0)
    assert (first, shares.tolist()) == (4607, [1.0])
