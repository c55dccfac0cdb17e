"""Buckets reached by a mark: the bucket with its middle at the mark, and all beyond it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.model.population import BREADTH, REACH, Population
from transforms.model.price_grid import bucket, middle

LONG, SHORT = +1, -1
prices = st.floats(1e-4, 1e6)


@given(price=prices, mark=prices)
def test_mark_reaches_longs_above_and_shorts_below(price: float, mark: float) -> None:
    """The middle of the bucket decides, for any centre of the grid."""
    long, short = (Population.empty(s, mark).reached(price) for s in (LONG, SHORT))
    exact = 1e-9  # rounding error at the middle of a bucket
    assert middle(np.array([long - 1]))[0] <= price * (1 + exact)
    assert middle(np.array([long]))[0] >= price * (1 - exact)
    assert middle(np.array([short]))[0] <= price * (1 + exact)
    assert middle(np.array([short + 1]))[0] >= price * (1 - exact)
    assert bucket(price) in (long, short)


@pytest.mark.parametrize(("part", "long", "short"), [(0.25, 100, 99), (0.75, 101, 100)])
def test_own_bucket_is_reached_by_its_middle(part: float, long: int, short: int) -> None:
    price = 1.001 ** (100 + part)
    assert [Population.empty(s, 1.0).reached(price) for s in (LONG, SHORT)] == [long, short]


@given(mark=prices)
def test_grid_is_centred_on_the_mark(mark: float) -> None:
    crowd = Population.empty(LONG, mark)
    assert crowd.cells.shape[-1] == BREADTH == 2 * REACH + 1
    assert crowd.origin + REACH == bucket(mark)
