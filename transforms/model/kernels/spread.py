"""The share of each price bucket in a range of prices. Compiled; apart from the grid, which needs no numba."""

from __future__ import annotations

from math import floor, log

import numpy as np
from numba.extending import register_jitable

from transforms.model.price_grid import WIDTH, Floats


@register_jitable
def spread(low: float, high: float) -> tuple[int, Floats]:
    """Return (first bucket, shares summing to 1): the range [low, high] (USD) split by bucket, uniform in log price."""
    x_low, x_high = log(low) / WIDTH, log(high) / WIDTH
    first, last = floor(x_low), floor(x_high)
    if first == last:
        return first, np.ones(1)
    edges = np.arange(first, last + 2).astype(np.float64)
    edges[0], edges[-1] = x_low, x_high
    return first, (edges[1:] - edges[:-1]) / (x_high - x_low)
