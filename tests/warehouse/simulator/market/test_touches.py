"""First touches against a linear search."""

import numpy as np

from warehouse.simulator.market.touches import first_at_or_below


def test_first_touch_equals_a_linear_search() -> None:
    g = np.random.default_rng(3)
    values = 100 + np.cumsum(g.standard_normal(777))
    start = g.integers(0, 777, 400)
    level = values[start] - g.exponential(6.0, 400)
    level[:5] = values[start[:5]]  # touched at once
    level[5:10] = -1e9  # never
    found = first_at_or_below(values, start, level)
    for begin, wanted, got in zip(start, level, found, strict=True):
        below = np.flatnonzero(values[begin:] <= wanted)
        assert got == (begin + below[0] if len(below) else len(values))
