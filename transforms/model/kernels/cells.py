"""The inner loops of the estimator, compiled: each touches only the buckets that change.

cells [ages, classes, holdings, buckets] at a weight of one; while an hour passes true coins are cells * survival[holding] *
retained[bucket], and `commit` makes it so. s: +1 long, -1 short. Buckets are indices on the axis of `cells`. `reached` is
the farthest bucket that the mark has come to: a long stands below it, a short above.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from transforms.model.kernels.approach import seen_from

_STRIDE = 64


@njit(cache=True)
def early_exit(retained, before, after, powers):  # type: ignore[no-untyped-def]
    """Thins what the mark came nearer to, from `before` to `after`: (b/a) ** strength of those a buckets away stay.

    b is how far away they are then; at the mark itself it counts as one bucket. powers: see approach.py.
    """
    was, now = seen_from(powers, before, len(retained)), seen_from(powers, after, len(retained))
    for b in range(len(retained)):
        retained[b] *= now[b] / was[b]


@njit(cache=True)
def liquidate(cells, s, reached, front, survival, retained, swept):  # type: ignore[no-untyped-def]
    """Empties what the mark reached and adds its coins to `swept`; beyond `front`, where it last stood, is nobody."""
    ages, classes, holdings, breadth = cells.shape
    low, high = (reached, front) if s > 0 else (front + 1, reached + 1)
    low, high = max(low, 0), min(high, breadth)
    for k in range(classes):
        for h in range(holdings):
            gone = 0.0
            for b in range(low, high):
                if cells[0, k, h, b] != 0.0:
                    gone += cells[0, k, h, b] * retained[b]
                    for age in range(ages):
                        cells[age, k, h, b] = 0.0
            swept[k, h] += gone * survival[h]


@njit(cache=True)
def open_positions(cells, s, reached, entry, coins, first, shares, length, survival, retained, swept):  # type: ignore[no-untyped-def]
    """Opens `coins` [entry buckets from `entry`] in every class and holding, into all ages.

    What is `reached` at the close was opened and swept within the bar. What lies off the axis is held at its edge.
    """
    ages, classes, holdings, breadth = cells.shape
    amount = np.zeros(breadth)
    for k in range(classes):
        start = entry + first[k]
        low, high = _on_axis(start, start + len(coins) - 1 + length[k], breadth)
        for i in range(len(coins)):
            _spread(amount, start + i, shares[k, : length[k]], coins[i])
        gone, stays = _cut(s, reached, low, high)
        swept[k] += amount[gone[0] : gone[1]].sum()
        more = amount[stays[0] : stays[1]] / retained[stays[0] : stays[1]]
        for h in range(holdings):
            for age in range(ages):
                _add(cells[age, k, h, stays[0] : stays[1]], more, 1.0 / survival[h])
        amount[low:high] = 0.0


@njit(cache=True)
def _on_axis(start, stop, breadth):  # type: ignore[no-untyped-def]
    """The buckets that hold those from `start` to before `stop`."""
    return min(max(start, 0), breadth - 1), max(min(stop, breadth), 1)


@njit(cache=True)
def _cut(s, reached, start, stop):  # type: ignore[no-untyped-def]
    """Of the buckets from `start` to before `stop`, those that the mark has come to, and those that it has not."""
    cut = min(max(reached if s > 0 else reached + 1, start), stop)
    below, above = (start, cut), (cut, stop)
    return (above, below) if s > 0 else (below, above)


@njit(cache=True)
def _add(row, more, times):  # type: ignore[no-untyped-def]
    for b in range(len(row)):
        row[b] += more[b] * times


@njit(cache=True)
def _spread(row, at, shares, coins):  # type: ignore[no-untyped-def]
    """Adds coins * shares to `row`, of which `at` is where the first goes; what is off the row goes to its edge."""
    n = len(shares)
    start, stop = min(max(-at, 0), n), min(max(len(row) - at, 0), n)
    if start > 0:
        row[0] += coins * shares[:start].sum()
    if start < stop:
        _add(row[at + start : at + stop], shares[start:stop], coins)
    if stop < n:
        row[-1] += coins * shares[stop:].sum()


@njit(cache=True)
def commit(cells, survival, retained, dust, shift):  # type: ignore[no-untyped-def]
    """Applies `survival` and `retained` for good, drops what is less than `dust`, and moves all down the axis by `shift`.

    Up where it is negative; what falls off adds to the edge.
    """
    ages, classes, holdings, breadth = cells.shape
    stays, moved = np.empty(breadth), np.empty(breadth)
    for k in range(classes):
        for h in range(holdings):
            low, high = _filled(cells[0, k, h])
            staying, moving = stays[: high - low], moved[: high - low]
            _stay(staying, cells[0, k, h, low:high], retained[low:high], survival[h], dust)
            for age in range(ages):
                row = cells[age, k, h]
                _multiply(moving, row[low:high], staying)
                row[low:high] = 0.0
                _spread(row, low - shift, moving, 1.0)


@njit(cache=True)
def _stay(stays, coins, retained, survival, dust):  # type: ignore[no-untyped-def]
    for b in range(len(stays)):
        true = retained[b] * survival
        stays[b] = true if coins[b] * true >= dust else 0.0


@njit(cache=True)
def _multiply(made, one, other):  # type: ignore[no-untyped-def]
    for b in range(len(made)):
        made[b] = one[b] * other[b]


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
def _none(bits, start):  # type: ignore[no-untyped-def]
    seen = 0
    for b in range(np.uint64(start), np.uint64(start + _STRIDE)):  # unsigned: no index counts from the end
        seen |= bits[b]
    return seen == 0


@njit(cache=True)
def expire_cohort(cells, window, s, entry, coins, reached, since, retained, first, shares, length, survival_by_age):  # type: ignore[no-untyped-def]
    """Takes the survivors of one hour's openings out of an age, and lowers those within it where rounding asks for it.

    coins [n] were opened at `entry` [n], ascending; `reached` [n] is the farthest bucket that the mark reached in that
    hour afterwards, `since` in the hours since. retained [buckets]: what these retained of them there; first, shares, length:
    as in place; survival_by_age [holdings]: what is retained of them by age alone.
    """
    classes, holdings, breadth = cells.shape[1:]
    amount = np.zeros(breadth)
    for k in range(classes):
        low, high = _on_axis(entry[0] + first[k], entry[-1] + first[k] + length[k], breadth)
        for i in range(len(entry)):
            at, come = entry[i] + first[k], min(reached[i], since) if s > 0 else max(reached[i], since)
            start, stop = _cut(s, come, at, at + length[k])[1]
            _spread(amount, start, shares[k, start - at : stop - at], coins[i])
        gone = amount[low:high] * retained[low:high]
        for h in range(holdings):
            _take(cells[window, k, h, low:high], gone, survival_by_age[h])
            for age in range(window - 1, 0, -1):
                _bound(cells[age, k, h, low:high], cells[age + 1, k, h, low:high])
        amount[low:high] = 0.0


@njit(cache=True)
def _take(row, gone, times):  # type: ignore[no-untyped-def]
    for b in range(len(row)):
        stays = row[b] - gone[b] * times
        row[b] = stays if stays > 0.0 else 0.0


@njit(cache=True)
def _bound(row, most):  # type: ignore[no-untyped-def]
    for b in range(len(row)):
        row[b] = row[b] if row[b] < most[b] else most[b]
