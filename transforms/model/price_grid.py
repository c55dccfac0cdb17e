"""The fixed logarithmic price grid: bucket b spans [1.001^b, 1.001^(b+1)) for every coin and hour."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

WIDTH = float(np.log(1.001))
"""Width of a bucket in log price: 10 bp."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def bucket(price: float) -> int:
    """Return the bucket that contains `price` (USD, positive)."""
    return floor(log(price) / WIDTH)


def edge(buckets: Ints | Sequence[int] | int) -> Floats:
    """Return the lower edge of each bucket, USD; its upper edge is the lower edge of the next."""
    return np.exp(np.asarray(buckets, dtype=np.float64) * WIDTH)


def middle(buckets: Ints | int) -> Floats:
    """Return the geometric middle of each bucket, USD: its representative price."""
    return np.exp((np.asarray(buckets, dtype=np.float64) + 0.5) * WIDTH)


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
