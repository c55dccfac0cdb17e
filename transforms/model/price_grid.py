"""The fixed logarithmic grid of prices: bucket b spans [1.001^b, 1.001^(b+1)), the same for ever."""

from __future__ import annotations

from math import floor, log

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

WIDTH = float(np.log(1.001))
"""Width of a bucket in log price: 10 bp."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def bucket(price: float) -> int:
    """The bucket that `price` (USD, positive) lies in."""
    return floor(log(price) / WIDTH)


def edge(buckets: Ints | int) -> Floats:
    """Lower edge of each bucket, USD; the upper edge is that of the next."""
    return np.exp(np.asarray(buckets, dtype=np.float64) * WIDTH)


def middle(buckets: Ints | int) -> Floats:
    """Geometric middle of each bucket, USD: the price that stands for it."""
    return np.exp((np.asarray(buckets, dtype=np.float64) + 0.5) * WIDTH)


@register_jitable
def spread(low: float, high: float) -> tuple[int, Floats]:
    """Shares of the range [low, high] (USD) that lie in each bucket, uniform in log price.

    (first bucket, shares of 1).
    """
    x_low, x_high = log(low) / WIDTH, log(high) / WIDTH
    first, last = floor(x_low), floor(x_high)
    if first == last:
        return first, np.ones(1)
    edges = np.arange(first, last + 2).astype(np.float64)
    edges[0], edges[-1] = x_low, x_high
    return first, (edges[1:] - edges[:-1]) / (x_high - x_low)
