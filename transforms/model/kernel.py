"""The inner loops of the estimator, compiled: each touches only the buckets that change.

cells [ages, classes, holdings, buckets] at a weight of one; true coins are cells * kept[holding] until the hour ends.
s: +1 long, -1 short. Indices and prices are on the bucket axis of `cells`, where bucket i has its middle at i.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from transforms.model.price_grid import Floats


@njit(cache=True)
def sweep(cells, s, cut, kept, swept):  # type: ignore[no-untyped-def]
    """Empties what the mark reached, from `cut` up (longs) or below it (shorts), and adds its coins to `swept`."""
    ages, classes, holdings, breadth = cells.shape
    for k in range(classes):
        # what stands ends at the mark: from the cut on, a few buckets are filled and then none
        low, high = (cut, breadth) if s > 0 else (0, cut)
        for h in range(holdings):
            gone = 0.0
            row = cells[0, k, h]
            for b in range(low, high):
                if row[b] != 0.0:
                    gone += row[b]
                    for age in range(ages):
                        cells[age, k, h, b] = 0.0
            swept[k, h] += gone * kept[h]


@njit(cache=True)
def give_up(cells, s, before, after, distance, strength):  # type: ignore[no-untyped-def]
    """Thins what the mark came nearer to, from `before` to `after` (positions on the bucket axis).

    Of a class at first `distance` buckets away, those brought from a to b of it keep (b/a) ** strength, a at most 1.
    """
    ages, classes, holdings, breadth = cells.shape
    for k in range(classes):
        reach = distance[k]
        if s > 0:
            low, high = max(int(after - reach), 0), min(int(np.ceil(before)), breadth)
        else:
            low, high = max(int(before), 0), min(int(np.ceil(after + reach)) + 1, breadth)
        for b in range(low, high):
            was, now = s * (before - b), s * (after - b)
            if was <= 0.0:
                continue
            a, z = min(was, reach), min(max(now, 1.0), reach)
            if z >= a:
                continue
            left = (z / a) ** strength
            for age in range(ages):
                for h in range(holdings):
                    cells[age, k, h, b] *= left


@njit(cache=True)
def place(cells, s, cut, entry, coins, first, shares, length, kept, swept):  # type: ignore[no-untyped-def]
    """Opens `coins` [entry buckets from `entry`] in every class and holding, into all ages.

    What the close has reached, from `cut` up (longs) or below it (shorts), was opened and swept within the bar. What
    lies off the axis is held at its edge.
    """
    ages, classes, holdings, breadth = cells.shape
    width = len(coins)
    for k in range(classes):
        for j in range(length[k] + width - 1):
            amount = 0.0
            for i in range(max(0, j - length[k] + 1), min(width, j + 1)):
                amount += coins[i] * shares[k, j - i]
            if amount == 0.0:
                continue
            b = min(max(entry + first[k] + j, 0), breadth - 1)
            if (s > 0 and b >= cut) or (s < 0 and b < cut):
                for h in range(holdings):
                    swept[k, h] += amount
            else:
                for h in range(holdings):
                    for age in range(ages):
                        cells[age, k, h, b] += amount / kept[h]


@njit(cache=True)
def age(cells, leaving, kept, dust):  # type: ignore[no-untyped-def]
    """Applies `kept` for good, and takes `leaving` [windows, classes, holdings, buckets] out of the windows.

    A window never holds more than the one around it; windows are the ages from 1 on, from the shortest to the longest.
    """
    ages, classes, holdings, breadth = cells.shape
    for k in range(classes):
        for h in range(holdings):
            for b in range(breadth):
                left = cells[0, k, h, b] * kept[h]
                if left < dust:
                    if cells[0, k, h, b] != 0.0:
                        for i in range(ages):
                            cells[i, k, h, b] = 0.0
                    continue
                cells[0, k, h, b] = left
                for i in range(ages - 1, 0, -1):
                    left = min(max(cells[i, k, h, b] * kept[h] - leaving[i - 1, k, h, b], 0.0), left)
                    cells[i, k, h, b] = left


def move(cells: Floats, shift: int) -> None:
    """Moves what stands down the bucket axis by `shift`, up where it is negative. What falls off adds to the edge."""
    _down(cells if shift > 0 else cells[..., ::-1], abs(shift))


@njit(cache=True)
def _down(cells, shift):  # type: ignore[no-untyped-def]
    ages, classes, holdings, breadth = cells.shape
    span = min(shift, breadth)
    for age in range(ages):
        for k in range(classes):
            for h in range(holdings):
                row = cells[age, k, h]
                off = 0.0
                for b in range(span):
                    off += row[b]
                for b in range(breadth - span):
                    row[b] = row[b + span]
                for b in range(breadth - span, breadth):
                    row[b] = 0.0
                row[0] += off
