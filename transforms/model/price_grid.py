"""The fixed logarithmic price grid: bucket b spans [1.001^b, 1.001^(b+1)) for every coin and hour."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log

import numpy as np
from numpy.typing import NDArray

WIDTH = float(np.log(1.001))
"""Width of a bucket in log price: 10 bp."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def bucket(price: float) -> int:
    """Return the bucket that contains `price` (USD, positive)."""
    # A computed edge can fall about 1e-12 of a bucket short; 1e-9 keeps it in its own bucket.
    return floor(log(price) / WIDTH + 1e-9)


def edge(buckets: Ints | Sequence[int] | int) -> Floats:
    """Return the lower edge of each bucket, USD; its upper edge is the lower edge of the next."""
    return np.exp(np.asarray(buckets, dtype=np.float64) * WIDTH)


def middle(buckets: Ints | int) -> Floats:
    """Return the geometric middle of each bucket, USD: its representative price."""
    return np.exp((np.asarray(buckets, dtype=np.float64) + 0.5) * WIDTH)
