"""The inner loops of the estimator, compiled: each touches only the buckets that change.

cells [ages, classes, holdings, buckets] at a weight of one; while an hour passes true coins are cells * kept[holding] *
left[bucket], and `settle` makes it so. s: +1 long, -1 short. Buckets are indices on the axis of `cells`. `reached` is
the farthest bucket that the mark has come to: a long stands below it, a short above.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from transforms.model.nearness import seen_from

_STRIDE = 64


@njit(cache=True)
def give_up(left, before, after, powers):  # type: ignore[no-untyped-def]
    """Thins what the mark came nearer to, from `before` to `after`: (b/a) ** strength of those a buckets away stay.

    b is how far away they are then; at the mark itself it counts as one bucket. powers: see nearness.py.
    """
    was, now = seen_from(powers, before, len(left)), seen_from(powers, after, len(left))
    for b in range(len(left)):
        left[b] *= now[b] / was[b]


@njit(cache=True)
def sweep(cells, s, reached, front, kept, left, swept):  # type: ignore[no-untyped-def]
    """Empties what the mark reached and adds its coins to `swept`; beyond `front`, where it last stood, is nobody."""
    ages, classes, holdings, breadth = cells.shape
    low, high = (reached, front) if s > 0 else (front + 1, reached + 1)
    low, high = max(low, 0), min(high, breadth)
    for k in range(classes):
        for h in range(holdings):
            gone = 0.0
            for b in range(low, high):
                if cells[0, k, h, b] != 0.0:
                    gone += cells[0, k, h, b] * left[b]
                    for age in range(ages):
                        cells[age, k, h, b] = 0.0
            swept[k, h] += gone * kept[h]


@njit(cache=True)
def place(cells, s, reached, entry, coins, first, shares, length, kept, left, swept):  # type: ignore[no-untyped-def]
    """Opens `coins` [entry buckets from `entry`] in every class and holding, into all ages.

    What is `reached` at the close was opened and swept within the bar. What lies off the axis is held at its edge.
    """
    ages, classes, holdings, breadth = cells.shape
    amount = np.zeros(breadth)
    for k in range(classes):
        for i in range(len(coins)):
            _spread(amount, entry + i + first[k], shares[k], coins[i], 0, length[k])
        low, high = _filled(amount)
        for b in range(low, high):
            if s * (b - reached) >= 0:
                swept[k] += amount[b]
                amount[b] = 0.0
            else:
                amount[b] /= left[b]
        for h in range(holdings):
            for age in range(ages):
                row = cells[age, k, h]
                for b in range(low, high):
                    row[b] += amount[b] / kept[h]
        amount[low:high] = 0.0


@njit(cache=True)
def _standing(s, reached, at, length):  # type: ignore[no-untyped-def]
    """From and to which of `length` buckets, the first of them `at`, the mark has not come."""
    start, stop = (0, reached - at) if s > 0 else (reached + 1 - at, length)
    return min(max(start, 0), length), min(max(stop, 0), length)


@njit(cache=True)
def _spread(row, at, shares, coins, start, stop):  # type: ignore[no-untyped-def]
    """Adds coins * shares[start:stop] to `row`, of which `at` is where shares[0] goes; off the row is at its edge."""
    on, off = min(max(-at, start), stop), max(min(len(row) - at, stop), start)
    if start < on:
        row[0] += coins * shares[start:on].sum()
    if on < off:
        where, own = row[at + on : at + off], shares[on:off]
        for j in range(off - on):
            where[j] += coins * own[j]
    if off < stop:
        row[-1] += coins * shares[off:stop].sum()


@njit(cache=True)
def settle(cells, kept, left, dust, shift):  # type: ignore[no-untyped-def]
    """Applies `kept` and `left` for good, drops what is less than `dust`, and moves all down the axis by `shift`.

    Up where it is negative; what falls off adds to the edge.
    """
    ages, classes, holdings, breadth = cells.shape
    stays = np.empty(breadth)
    for k in range(classes):
        for h in range(holdings):
            low, high = _filled(cells[0, k, h])
            all_of, thinned = cells[0, k, h, low:high], left[low:high]
            for b in range(high - low):
                true = kept[h] * thinned[b]
                stays[b] = true if all_of[b] * true >= dust else 0.0
            for age in range(ages):
                row = cells[age, k, h]
                own = row[low:high]
                for b in range(high - low):
                    own[b] *= stays[b]
                if shift != 0:
                    moved = own.copy()
                    own[:] = 0.0
                    _spread(row, low - shift, moved, 1.0, 0, high - low)


@njit(cache=True)
def _filled(row):  # type: ignore[no-untyped-def]
    """From the first bucket that is not empty to after the last: most are empty, and passed over many at once."""
    bits = row.view(np.int64)
    low, high = 0, len(row)
    while low + _STRIDE <= high and _none(bits, low):
        low += _STRIDE
    while low < high and row[low] == 0.0:
        low += 1
    while high - _STRIDE >= low and _none(bits, high - _STRIDE):
        high -= _STRIDE
    while high > low and row[high - 1] == 0.0:
        high -= 1
    return low, high


@njit(cache=True)
def _none(bits, low):  # type: ignore[no-untyped-def]
    seen = 0
    for b in range(low, low + _STRIDE):
        seen |= bits[b]
    return seen == 0


@njit(cache=True)
def leave(cells, window, s, cohort, left, own, survive):  # type: ignore[no-untyped-def]
    """Takes the survivors of one hour's openings out of an age, and lowers those within it where rounding asks for it.

    cohort: (entry [n], coins [n], reached since [n]); left [buckets]: what the hours since left of them there; own:
    (first, shares, length) as in place; survive [holdings]: what is left of them by age alone.
    """
    entry, coins, reached = cohort
    first, shares, length = own
    classes, holdings, breadth = cells.shape[1:]
    amount = np.zeros(breadth)
    for k in range(classes):
        for i in range(len(entry)):
            at = entry[i] + first[k]
            start, stop = _standing(s, reached[i], at, length[k])
            _spread(amount, at, shares[k], coins[i], start, stop)
        low, high = _filled(amount)
        for b in range(low, high):
            amount[b] *= left[b]
        for h in range(holdings):
            _take(cells[:, k, h], window, amount, survive[h], low, high)
        amount[low:high] = 0.0


@njit(cache=True)
def _take(cells, window, amount, times, low, high):  # type: ignore[no-untyped-def]
    outer = cells[window]
    for b in range(low, high):
        outer[b] = max(outer[b] - amount[b] * times, 0.0)
    for age in range(window - 1, 0, -1):
        inner = cells[age]
        for b in range(low, high):
            inner[b] = min(inner[b], outer[b])
