"""The bars of an hour, compiled: in sequence each ages positions, sweeps and opens. Terms as in cells.py."""

from __future__ import annotations

from math import ceil, floor, isnan, log

import numpy as np
from numba import njit
from numba.extending import register_jitable

from transforms.model.activity import activity, stretch, usual
from transforms.model.kernels.cells import early_exit, liquidate, open_positions
from transforms.model.kernels.spread import spread
from transforms.model.price_grid import WIDTH


@register_jitable
def reached_at(s: int, price: float) -> int:
    """Return the farthest bucket that a mark of `price` (USD) reaches: it liquidates longs from there up, shorts down.

    A bucket counts as reached when its middle is, which is unbiased over many buckets.
    """
    x = log(price) / WIDTH - 0.5
    return ceil(x) if s > 0 else floor(x)


@njit(cache=True)
def pass_bars(cells, s, origin, bars, rates, powers, profile, passing, opened, known):  # type: ignore[no-untyped-def]
    """Advance the crowd through `bars` [n, 8], with the columns of step.Bar; all openings share one `profile`.

    rates [holdings]: hourly closing rates. profile: (first, shares, length), see distance_profile.py. passing:
    (survival, retained, swept), updated in place. opened: (lowest bucket, coins [m], farthest bucket reached since [m])
    by entry, updated in place. known: (open interest, turnover, observed_h, aged_h, worst, front), see step.py.

    Returns the updated `known`, the activity opened, and whether open interest was 0, which removes all positions.
    """
    survival, retained, swept = passing
    first, away, length = profile
    interest, turnover, observed_h, aged_h, worst, front = known
    opened_in_all, emptied = 0.0, False
    for n in range(len(bars)):
        hours, _, high, low, close, taker, reported, growth = bars[n]
        aged = hours / stretch(turnover)
        survival *= np.exp(-rates * aged)
        aged_h += aged
        reached = reached_at(s, low if s > 0 else high)
        if s * (worst - reached) > 0:
            early_exit(retained, worst - origin, reached - origin, powers)
            worst = reached
        _extend_reached(opened[2], s, reached)
        liquidate(cells, s, reached - origin, front - origin, survival, retained, swept)
        if not isnan(reported):
            interest = reported
            if reported == 0.0:
                cells[:], opened[1][:], emptied = 0.0, 0.0, True
        turnover, observed_h = usual(turnover, observed_h, taker, interest, hours)
        coins = activity(taker, interest, hours, turnover, growth)
        front = reached_at(s, close)
        if coins > 0.0:
            entry, shares = spread(low, high)
            at = front - origin
            open_positions(cells, s, at, entry - origin, coins * shares, first, away, length, survival, retained, swept)
            _record_openings(opened, entry, coins * shares, front)
            opened_in_all += coins
    return (interest, turnover, observed_h, aged_h, worst, front), opened_in_all, emptied


@njit(cache=True)
def _extend_reached(since, s, reached):  # type: ignore[no-untyped-def]
    for i in range(len(since)):
        since[i] = min(since[i], reached) if s > 0 else max(since[i], reached)


@njit(cache=True)
def _record_openings(opened, entry, coins, front):  # type: ignore[no-untyped-def]
    lowest, by_entry, since = opened
    for i in range(len(coins)):
        at = min(max(entry + i - lowest, 0), len(by_entry) - 1)
        if by_entry[at] == 0.0:
            since[at] = front
        by_entry[at] += coins[i]
