"""The inner loops of the estimator, compiled: each touches only the buckets that change.

cells [ages, classes, holdings, buckets] at a weight of one; while an hour passes true coins are cells * kept[holding] *
left[bucket], and `settle` makes it so. s: +1 long, -1 short. Buckets are indices on the axis of `cells`. `reached` is
the farthest bucket that the mark has come to: a long stands below it, a short above.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def give_up(left, s, before, after, strength):  # type: ignore[no-untyped-def]
    """Thins what the mark came nearer to, from `before` to `after`: (b/a) ** strength of those a buckets away stay.

    b is how far away they are then; at the mark itself it counts as one bucket.
    """
    for b in range(len(left)):
        was = s * (before - b)
        if was > 1:
            left[b] *= (max(s * (after - b), 1) / was) ** strength


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
    width = len(coins)
    for k in range(classes):
        for j in range(length[k] + width - 1):
            amount = 0.0
            for i in range(max(0, j - length[k] + 1), min(width, j + 1)):
                amount += coins[i] * shares[k, j - i]
            if amount == 0.0:
                continue
            b = min(max(entry + first[k] + j, 0), breadth - 1)
            if s * (b - reached) >= 0:
                for h in range(holdings):
                    swept[k, h] += amount
            else:
                for h in range(holdings):
                    more = amount / (kept[h] * left[b])
                    for age in range(ages):
                        cells[age, k, h, b] += more


@njit(cache=True)
def settle(cells, kept, left, dust, shift):  # type: ignore[no-untyped-def]
    """Applies `kept` and `left` for good, drops what is less than `dust`, and moves all down the axis by `shift`.

    Up where it is negative; what falls off adds to the edge.
    """
    ages, classes, holdings, breadth = cells.shape
    for k in range(classes):
        for h in range(holdings):
            low, high = _filled(cells[0, k, h])
            for n in range(high - low):
                b = low + n if shift >= 0 else high - 1 - n  # so that none is overwritten before it is read
                true = kept[h] * left[b]
                stays = cells[0, k, h, b] * true >= dust
                to = min(max(b - shift, 0), breadth - 1)
                for age in range(ages):
                    coins = cells[age, k, h, b] * true if stays else 0.0
                    cells[age, k, h, b] = 0.0
                    cells[age, k, h, to] += coins


@njit(cache=True)
def _filled(row):  # type: ignore[no-untyped-def]
    """From the first bucket that is not empty to after the last."""
    low, high = 0, len(row)
    while low < high and row[low] == 0.0:
        low += 1
    while high > low and row[high - 1] == 0.0:
        high -= 1
    return low, high


@njit(cache=True)
def leave(cells, window, s, cohort, moves, own, survive, strength):  # type: ignore[no-untyped-def]
    """Takes the survivors of one hour's openings out of an age, and lowers those within it where rounding asks for it.

    cohort: (entry [n], coins [n], reached since [n]); moves: (before [m], after [m]) of the hours since, as in give_up;
    own: (first, shares, length) as in place; survive [holdings]: what is left of them by age alone.
    """
    entry, coins, since = cohort
    before, after = moves
    first, shares, length = own
    classes, holdings, breadth = cells.shape[1:]
    low = min(max(entry.min() + first.min(), 0), breadth - 1)
    high = min(max(entry.max() + (first + length).max(), low + 1), breadth)
    left = _left(s, before, after, strength, low, high)
    reached = since.copy()
    for m in range(len(after)):
        reached = np.minimum(reached, after[m]) if s > 0 else np.maximum(reached, after[m])
    amount = np.zeros(high - low)
    for k in range(classes):
        amount[:] = 0.0
        for i in range(len(entry)):
            for j in range(length[k]):
                placed = entry[i] + first[k] + j
                if s * (placed - reached[i]) < 0:
                    amount[min(max(placed, 0), breadth - 1) - low] += coins[i] * shares[k, j]
        for b in range(low, high):
            if amount[b - low] == 0.0:
                continue
            for h in range(holdings):
                stays = max(cells[window, k, h, b] - amount[b - low] * survive[h] * left[b - low], 0.0)
                for inner in range(window, 0, -1):
                    cells[inner, k, h, b] = min(cells[inner, k, h, b], stays)


@njit(cache=True)
def _left(s, before, after, strength, low, high):  # type: ignore[no-untyped-def]
    """What `give_up` left in all moves of the buckets from `low` to `high`; of those reached it tells nothing."""
    span = high - low
    farthest = 1
    for m in range(len(before)):
        farthest = max(farthest, abs(before[m] - low), abs(before[m] - high), abs(after[m] - low), abs(after[m] - high))
    # log of the distance by its difference in buckets, in the order of the buckets: one slice a move
    logs = np.log(np.maximum(np.arange(-farthest - 1, farthest + 2) * -s, 1))
    middle = farthest + 1
    total = np.zeros(span)
    for m in range(len(before)):
        was, now = logs[middle + low - before[m] :], logs[middle + low - after[m] :]
        for n in range(span):
            total[n] += now[n] - was[n]
    return np.exp(strength * total)
