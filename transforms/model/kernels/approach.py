"""Approach of the mark to each bucket, summed over each window: it determines early exits.

A move from a buckets away to b adds log(b) - log(a), as an integer multiple of 2 ** -44. Integer sums do not depend on
their order: sums updated hour by hour are bit-identical to sums computed from the stored moves.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from transforms.model.assumptions import WINDOWS_H
from transforms.model.price_grid import Floats, Ints

WHOLE = float(1 << 44)
"""Fixed-point scale of a log of 1: 720 moves by any distance still fit in a 64-bit integer."""

UNREACHED = 1 << 40
"""Times the side, a bucket that no mark reaches: the recorded move of an hour without bars."""

FARTHEST = 1 << 14
"""Largest distance in buckets, a factor of 13 million in price; larger ones, or within an axis of it, are clamped."""

_MARGIN = 128  # buckets that the axis may shift before sums are recomputed


@lru_cache
def logs(s: int) -> Ints:
    """Return fixed-point logs [2 * FARTHEST + 1] of the distances of buckets from a mark in the middle.

    s: +1 long, below the mark, -1 short, above it. Buckets on the other side are reached and count as one bucket away.
    """
    away = -s * np.arange(-FARTHEST, FARTHEST + 1)
    return np.rint(WHOLE * np.log(np.maximum(away, 1))).astype(np.int64)


@lru_cache
def powers(s: int, strength: float) -> Floats:
    """Return the distances of `logs`, raised to the power of `strength`."""
    return np.asarray(np.exp(strength / WHOLE * logs(s)))


@njit(cache=True)
def distances_from(table, mark, breadth):  # type: ignore[no-untyped-def]
    """Return the slice of `logs` or `powers` for the first `breadth` buckets, with the mark in bucket `mark`."""
    start = min(max(len(table) // 2 - mark, 0), len(table) - breadth)
    return table[start : start + breadth]


class Approach:
    """Sums of log approach by window and bucket.

    Computed from `moves` [720, 2] (population.py) as of `hour_h`. origin: bucket of index 0 of the crowd's axis, which
    is `breadth` long.
    """

    def __init__(self, moves: Ints, s: int, hour_h: int, origin: int, breadth: int) -> None:
        self.hour_h, self._moves, self._s = hour_h, moves, s
        self._first, self._breadth = origin - _MARGIN, breadth
        self._sums = np.zeros((len(WINDOWS_H), breadth + 2 * _MARGIN), np.int64)
        _sum_windows(self._sums, logs(s), moves, hour_h, WINDOWS_H, self._first)

    def covers(self, origin: int) -> bool:
        """Return whether the sums cover the whole axis that begins at bucket `origin`."""
        return abs(origin - _MARGIN - self._first) <= _MARGIN

    def carry(self, hour_h: int, before: int, after: int) -> None:
        """Record the move of `hour_h`, the next hour: it enters every window, and the oldest move of each drops out."""
        _carry(self._sums, logs(self._s), self._moves, hour_h, WINDOWS_H, (before, after), self._first)
        self.hour_h = hour_h

    def of(self, window: int, origin: int) -> Ints:
        """Return the sums [breadth] of window 1, 2 or 3 on the axis that begins at bucket `origin`."""
        start = origin - self._first
        return self._sums[window - 1, start : start + self._breadth]


@njit(cache=True)
def _add(sums, table, before, after, first, times):  # type: ignore[no-untyped-def]
    if before == after:
        return
    was, now = distances_from(table, before - first, len(sums)), distances_from(table, after - first, len(sums))
    for b in range(len(sums)):
        sums[b] += times * (now[b] - was[b])


@njit(cache=True)
def _sum_windows(sums, table, moves, hour_h, windows, first):  # type: ignore[no-untyped-def]
    within = 0
    for age_h in range(windows[-1]):
        within += age_h == windows[within]
        before, after = moves[(hour_h - age_h) % len(moves)]
        _add(sums[within], table, before, after, first, 1)
    for window in range(1, len(windows)):
        sums[window] += sums[window - 1]


@njit(cache=True)
def _carry(sums, table, moves, hour_h, windows, move, first):  # type: ignore[no-untyped-def]
    for window in range(len(windows)):
        before, after = moves[(hour_h - windows[window]) % len(moves)]
        _add(sums[window], table, before, after, first, -1)
        _add(sums[window], table, move[0], move[1], first, 1)
    moves[hour_h % len(moves)] = move


@njit(cache=True)
def farthest(moves, s, hour_h, length):  # type: ignore[no-untyped-def]
    """Return the farthest bucket reached in the `length` hours to `hour_h`; UNREACHED (times s) without moves."""
    reached = s * UNREACHED
    for age_h in range(length):
        before, after = moves[(hour_h - age_h) % len(moves)]
        if before != after and s * (after - reached) < 0:
            reached = after
    return reached
