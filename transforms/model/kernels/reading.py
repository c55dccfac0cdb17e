"""Reading of open positions with the weights of a crowd, compiled: one pass over the cells per hour.

Sums are taken in a fixed order, from the lowest bucket up, so that results do not depend on the machine.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def read(cells, weight, s, start, stop):  # type: ignore[no-untyped-def]
    """Return (coins [ages, classes, stop - start], coins in all buckets further away), by `weight` [classes, holdings].

    cells, s: see cells.py. The mark is next to `stop` for a long, next to `start` for a short.
    """
    ages, classes, holdings, breadth = cells.shape
    near, far = np.zeros((ages, classes, stop - start)), np.zeros(start if s > 0 else breadth - stop)
    for k in range(classes):
        for h in range(holdings):
            for age in range(ages):
                _add(near[age, k], cells[age, k, h, start:stop], weight[k, h])
            _add(far, cells[0, k, h, :start] if s > 0 else cells[0, k, h, stop:], weight[k, h])
    return near, far.sum()


@njit(cache=True)
def _add(row, added, times):  # type: ignore[no-untyped-def]
    for b in range(len(row)):
        row[b] += added[b] * times


@njit(cache=True)
def value_usd(coins, scale, price):  # type: ignore[no-untyped-def]
    """Return coins [ages, classes, buckets] times `scale` in whole dollars, at the `price` of each bucket (USD)."""
    usd = np.empty_like(coins)
    for age in range(coins.shape[0]):
        for k in range(coins.shape[1]):
            _value_row(usd[age, k], coins[age, k], scale, price)
    return usd


@njit(cache=True)
def _value_row(usd, coins, scale, price):  # type: ignore[no-untyped-def]
    for b in range(len(usd)):
        usd[b] = np.rint(coins[b] * scale * price[b])


@njit(cache=True)
def entries(usd, first, order):  # type: ignore[no-untyped-def]
    """Return the non-zero entries as (bucket [n], class [n], usd [ages, n]), sorted by bucket, then class in `order`.

    usd [ages, classes, buckets], whole dollars; first: the first bucket.
    """
    ages, classes, buckets = usd.shape
    bucket, position_class, n = np.empty(classes * buckets, np.int32), np.empty(classes * buckets, np.int8), 0
    for b in range(buckets):
        for k in order:
            if usd[0, k, b] != 0.0:
                bucket[n], position_class[n] = first + b, k
                n += 1
    values = np.empty((ages, n))
    for age in range(ages):
        row = usd[age]
        for i in range(n):
            values[age, i] = row[position_class[i], bucket[i] - first]
    return bucket[:n].copy(), position_class[:n].copy(), values
