"""Operations on the cells of the crowd, compiled: each touches only the buckets that change.

cells [ages, classes, holdings, buckets]: coins at a weight of one. Within an hour actual coins are cells *
survival[holding] * retained[bucket]; `commit` applies both factors. s: +1 long, -1 short. Buckets are indices on the
axis of `cells`. `reached` is the farthest bucket that the mark has reached: open longs are below it, shorts above.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from transforms.model.kernels.approach import distances_from

_STRIDE = 64


@njit(cache=True)
def early_exit(retained, before, after, powers):  # type: ignore[no-untyped-def]
    """Apply early exits for a move of the mark from `before` to `after`: the share (b/a) ** strength survives.

    a and b are the distances in buckets before and after; at the mark itself b counts as one. powers: see approach.py.
    """
    was, now = distances_from(powers, before, len(retained)), distances_from(powers, after, len(retained))
    for b in range(len(retained)):
        retained[b] *= now[b] / was[b]


@njit(cache=True)
def liquidate(cells, s, reached, front, survival, retained, swept):  # type: ignore[no-untyped-def]
    """Empty the buckets that the mark reached and add their coins to `swept`.

    front: the bucket reached at the last close, beyond which there are no positions.
    """
    ages, classes, holdings, breadth = cells.shape
    low, high = (reached, front) if s > 0 else (front + 1, reached + 1)
    low, high = max(low, 0), min(high, breadth)
    for k in range(classes):
        for h in range(holdings):
            removed = 0.0
            for b in range(low, high):
                if cells[0, k, h, b] != 0.0:
                    removed += cells[0, k, h, b] * retained[b]
                    for age in range(ages):
                        cells[age, k, h, b] = 0.0
            swept[k, h] += removed * survival[h]


@njit(cache=True)
def open_positions(cells, s, reached, entry, coins, first, shares, length, survival, retained, swept):  # type: ignore[no-untyped-def]
    """Open `coins` [entry buckets, from `entry` up] in every class, holding and age.

    Positions in buckets `reached` at the close were opened and swept within the bar. Positions off the axis are held in
    its edge bucket. first, shares, length: the profile, see distance_profile.py.
    """
    ages, classes, holdings, breadth = cells.shape
    amount = np.zeros(breadth)
    for k in range(classes):
        start = entry + first[k]
        low, high = _on_axis(start, start + len(coins) - 1 + length[k], breadth)
        for i in range(len(coins)):
            _spread(amount, start + i, shares[k, : length[k]], coins[i])
        removed, stays = _split_at_mark(s, reached, low, high)
        swept[k] += amount[removed[0] : removed[1]].sum()
        added = amount[stays[0] : stays[1]] / retained[stays[0] : stays[1]]
        for h in range(holdings):
            for age in range(ages):
                _add(cells[age, k, h, stays[0] : stays[1]], added, 1.0 / survival[h])
        amount[low:high] = 0.0


@njit(cache=True)
def _on_axis(start, stop, breadth):  # type: ignore[no-untyped-def]
    """Return the range from `start` to before `stop`, clamped to the axis, with at least one bucket."""
    return min(max(start, 0), breadth - 1), max(min(stop, breadth), 1)


@njit(cache=True)
def _split_at_mark(s, reached, start, stop):  # type: ignore[no-untyped-def]
    """Split the buckets from `start` to before `stop` into those that the mark has reached and the rest."""
    cut = min(max(reached if s > 0 else reached + 1, start), stop)
    below, above = (start, cut), (cut, stop)
    return (above, below) if s > 0 else (below, above)


@njit(cache=True)
def _add(row, added, times):  # type: ignore[no-untyped-def]
    for b in range(len(row)):
        row[b] += added[b] * times


@njit(cache=True)
def _spread(row, at, shares, coins):  # type: ignore[no-untyped-def]
    """Add coins * shares to `row` from index `at` up; shares off the row are added to its edge."""
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
    """Apply `survival` and `retained`, drop cells below `dust`, and shift the rest down the axis by `shift` buckets.

    A negative `shift` moves them up. Coins shifted off the axis are added to its edge.
    """
    ages, classes, holdings, breadth = cells.shape
    stays, moved = np.empty(breadth), np.empty(breadth)
    for k in range(classes):
        for h in range(holdings):
            low, high = _find_nonzero(cells[0, k, h])
            staying, moving = stays[: high - low], moved[: high - low]
            _surviving_shares(staying, cells[0, k, h, low:high], retained[low:high], survival[h], dust)
            for age in range(ages):
                row = cells[age, k, h]
                _multiply(moving, row[low:high], staying)
                row[low:high] = 0.0
                _spread(row, low - shift, moving, 1.0)


@njit(cache=True)
def _surviving_shares(stays, coins, retained, survival, dust):  # type: ignore[no-untyped-def]
    for b in range(len(stays)):
        true = retained[b] * survival
        stays[b] = true if coins[b] * true >= dust else 0.0


@njit(cache=True)
def _multiply(product, one, other):  # type: ignore[no-untyped-def]
    for b in range(len(product)):
        product[b] = one[b] * other[b]


@njit(cache=True)
def _find_nonzero(row):  # type: ignore[no-untyped-def]
    """Return the range of non-empty buckets (start, stop); most are empty and skipped _STRIDE at a time."""
    bits = row.view(np.int64)
    low, high = 0, len(row)
    while low + _STRIDE <= high and _all_zero(bits, low):
        low += _STRIDE
    while low < high and row[low] == 0.0:
        low += 1
    while high - _STRIDE >= low and _all_zero(bits, high - _STRIDE):
        high -= _STRIDE
    while high > low and row[high - 1] == 0.0:
        high -= 1
    return low, high


@njit(cache=True)
def _all_zero(bits, start):  # type: ignore[no-untyped-def]
    seen = 0
    for b in range(np.uint64(start), np.uint64(start + _STRIDE)):  # unsigned: no index counts from the end
        seen |= bits[b]
    return seen == 0


@njit(cache=True)
def expire_cohort(cells, window, s, entry, coins, reached, since, retained, first, shares, length, survival_by_age):  # type: ignore[no-untyped-def]
    """Subtract the survivors of one hour's openings from age `window`, and cap the younger ages at the older ones.

    coins [n] were opened at `entry` [n], ascending; `reached` [n] is the farthest bucket that the mark reached later in
    that hour, `since` in the hours since. retained [buckets]: share that early exits left since; first, shares, length:
    as in open_positions; survival_by_age [holdings]: share that survives by age alone. The cap only corrects rounding.
    """
    classes, holdings, breadth = cells.shape[1:]
    amount = np.zeros(breadth)
    for k in range(classes):
        low, high = _on_axis(entry[0] + first[k], entry[-1] + first[k] + length[k], breadth)
        for i in range(len(entry)):
            at, come = entry[i] + first[k], min(reached[i], since) if s > 0 else max(reached[i], since)
            start, stop = _split_at_mark(s, come, at, at + length[k])[1]
            _spread(amount, start, shares[k, start - at : stop - at], coins[i])
        removed = amount[low:high] * retained[low:high]
        for h in range(holdings):
            _subtract(cells[window, k, h, low:high], removed, survival_by_age[h])
            for age in range(window - 1, 0, -1):
                _cap(cells[age, k, h, low:high], cells[age + 1, k, h, low:high])
        amount[low:high] = 0.0


@njit(cache=True)
def _subtract(row, removed, times):  # type: ignore[no-untyped-def]
    for b in range(len(row)):
        stays = row[b] - removed[b] * times
        row[b] = stays if stays > 0.0 else 0.0


@njit(cache=True)
def _cap(row, most):  # type: ignore[no-untyped-def]
    for b in range(len(row)):
        row[b] = row[b] if row[b] < most[b] else most[b]
