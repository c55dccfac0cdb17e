"""The bars of an hour, compiled: one after another they age who stands, sweep, and open. Terms as in kernel.py."""

from __future__ import annotations

from math import ceil, floor, isnan, log

import numpy as np
from numba import njit
from numba.extending import register_jitable

from transforms.model.activity import activity, typical
from transforms.model.kernels.cells import early_exit, liquidate, open_positions
from transforms.model.price_grid import WIDTH, spread


@register_jitable
def reached_at(s: int, price: float) -> int:
    """The farthest bucket that a mark of `price` (USD) reaches: longs from it up, shorts from it down are liquidated.

    A bucket counts as reached when its middle is; over many buckets that is right on average.
    """
    x = log(price) / WIDTH - 0.5
    return ceil(x) if s > 0 else floor(x)


@njit(cache=True)
def pass_bars(cells, s, origin, bars, rates, powers, profile, passing, opened, known):  # type: ignore[no-untyped-def]
    """Carries the crowd through `bars` [n, 8], columns as in hour.Bar, whose openings have one `profile` (as in place).

    rates [holdings]: of leaving, an hour. passing: (survival, retained, swept), changed in place. opened: (lowest bucket, coins
    [m], reached since [m]) by entry, changed in place. known: (open interest, turnover, worst, stood).
    Returns known as it is then, activity opened, and whether open interest was 0, so that nobody is retained.
    """
    survival, retained, swept = passing
    first, away, length = profile
    interest, turnover, worst, stood = known
    opened_in_all, emptied = 0.0, False
    for n in range(len(bars)):
        hours, _, high, low, close, taker, told, growth = bars[n]
        survival *= np.exp(-rates * hours)
        reached = reached_at(s, low if s > 0 else high)
        if s * (worst - reached) > 0:
            early_exit(retained, worst - origin, reached - origin, powers)
            worst = reached
        _reach(opened[2], s, reached)
        liquidate(cells, s, reached - origin, stood - origin, survival, retained, swept)
        if not isnan(told):
            interest = told
            if told == 0.0:
                cells[:], opened[1][:], emptied = 0.0, 0.0, True
        turnover = typical(turnover, taker, interest, hours)
        coins = activity(taker, interest, hours, turnover, growth)
        stood = reached_at(s, close)
        if coins > 0.0:
            entry, shares = spread(low, high)
            at = stood - origin
            open_positions(cells, s, at, entry - origin, coins * shares, first, away, length, survival, retained, swept)
            _note(opened, entry, coins * shares, stood)
            opened_in_all += coins
    return (interest, turnover, worst, stood), opened_in_all, emptied


@njit(cache=True)
def _reach(since, s, reached):  # type: ignore[no-untyped-def]
    for i in range(len(since)):
        since[i] = min(since[i], reached) if s > 0 else max(since[i], reached)


@njit(cache=True)
def _note(opened, entry, coins, stood):  # type: ignore[no-untyped-def]
    lowest, by_entry, since = opened
    for i in range(len(coins)):
        at = min(max(entry + i - lowest, 0), len(by_entry) - 1)
        if by_entry[at] == 0.0:
            since[at] = stood
        by_entry[at] += coins[i]
