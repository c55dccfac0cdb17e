"""One hour of one side: positions age, some are given up, the mark sweeps, and what is traded opens new ones.

All of it is linear and none of it knows the weights of the crowd, so that what the mark swept, by leverage and
half-life, is what a fit needs, and what stands can be read with any weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, fsum, isnan, nan

import numpy as np

from transforms.model.activity import activity, typical
from transforms.model.assumptions import GIVEN_UP, HALF_LIVES_H, WINDOWS_H
from transforms.model.distance_profile import Contract, profiles
from transforms.model.kernel import give_up, leave, place, settle, sweep
from transforms.model.nearness import WHOLE, farthest, powers
from transforms.model.population import AGES, BREADTH, CLASSES, HOLDINGS, UNREACHED, Cohort, Population
from transforms.model.price_grid import WIDTH, Floats, bucket, spread

_RATES = np.log(2.0) / np.array(HALF_LIVES_H)
_SURVIVE = np.exp(-_RATES * np.array(WINDOWS_H)[:, None])
_DUST = 1e-8  # of open interest, at a weight of one: cells below it matter to nobody and would fill the state for ever
_FIRST_SPREAD = 0.03  # entries of those who stood before the first bar: standard deviation of log price, a guess
_FIRST_STEPS = np.linspace(-2.5, 2.5, 51)
_FIRST_WEIGHTS = np.exp(-0.5 * _FIRST_STEPS**2) / np.exp(-0.5 * _FIRST_STEPS**2).sum()


@dataclass(frozen=True)
class Bar:
    """One bar of the mark with what happened in it, for one side.

    taker_base: buys and sells, halved. open_interest NaN: not published at its end. account_growth: change of the
    number of accounts on this side over that number, NaN where it is not published.
    """

    hours: float
    open: float
    high: float
    low: float
    close: float
    taker_base: float
    open_interest: float
    account_growth: float = nan


@dataclass
class Moved:
    """What an hour did, in coins at a weight of one: swept [classes, holdings], and the activity opened in all."""

    swept: Floats
    activity: float


def advance(crowd: Population, bars: list[Bar], contract: Contract, hour_h: int) -> Moved:
    """Moves `crowd` in place through the bars of the hour that ends at `hour_h` (hours since the epoch).

    Until open interest was published once there is nobody, and nobody is left when it is published as 0. Without bars
    only ages change; what is missing of the hour is taken to have passed before its first bar.
    """
    hour = _Passing(crowd, contract, max(1.0 - fsum(bar.hours for bar in bars), 0.0))
    for bar in bars:
        hour.through(bar)
    shift = bucket(bars[-1].close) - bucket(crowd.mark) if bars else 0
    settle(crowd.cells, hour.kept, hour.left, _DUST * crowd.open_interest, shift)
    if bars:
        crowd.mark = bars[-1].close
    if bars and crowd.open_interest > 0.0:
        crowd.cohorts[hour_h] = hour.cohort()
        crowd.note(hour_h, hour.before, hour.worst)
    else:
        crowd.note(hour_h, crowd.s * UNREACHED, crowd.s * UNREACHED)
    for window in range(1, AGES):
        _leave(crowd, window, hour_h, contract)
    while crowd.cohorts and (oldest := next(iter(crowd.cohorts))) <= hour_h - WINDOWS_H[-1]:
        del crowd.cohorts[oldest]
    return hour.moved


class _Passing:
    """An hour as it passes: what its bars have done so far.

    kept [holdings] and left [buckets]: see kernel.py. before, worst: what the mark had reached at the start, and the
    farthest since. opened: by entry bucket the coins, and the farthest reached since.
    """

    def __init__(self, crowd: Population, contract: Contract, missing_h: float) -> None:
        self.crowd, self.contract = crowd, contract
        self.kept = np.exp(-_RATES * missing_h)
        self.left = np.ones(BREADTH)
        self.before = self.worst = self.stood = crowd.reached(crowd.mark)
        self.opened: dict[int, tuple[float, int]] = {}
        self.moved = Moved(np.zeros((CLASSES, HOLDINGS)), 0.0)

    def through(self, bar: Bar) -> None:
        """One bar: who stood is swept, then others open."""
        crowd = self.crowd
        if crowd.open_interest == 0.0 < bar.open_interest:
            self._begin(bar)
        self.kept *= _kept(bar.hours)
        self._sweep(crowd.reached(bar.low if crowd.s > 0 else bar.high))
        if not isnan(bar.open_interest):
            crowd.open_interest = bar.open_interest
            if bar.open_interest == 0.0:
                crowd.leave_nobody()
                self.opened = {}
        crowd.turnover = typical(crowd.turnover, bar.taker_base, crowd.open_interest, bar.hours)
        coins = activity(bar.taker_base, crowd.open_interest, bar.hours, crowd.turnover, bar.account_growth)
        self.stood = crowd.reached(bar.close)
        if coins > 0.0:
            self._open(bar, coins)

    def _begin(self, bar: Bar) -> None:
        """The crowd is seated where the mark is now: what passed before aged, thinned and swept nobody."""
        self.crowd.mark = bar.open
        self.kept[:] = self.left[:] = 1.0
        self.before = self.worst = self.stood = self.crowd.reached(bar.open)
        _seat(self.crowd, bar, self.contract)

    def _sweep(self, reached: int) -> None:
        crowd, origin = self.crowd, self.crowd.origin
        if crowd.s * (self.worst - reached) > 0:
            give_up(self.left, self.worst - origin, reached - origin, powers(crowd.s, GIVEN_UP))
            self.worst = reached
        farther = min if crowd.s > 0 else max
        self.opened = {entry: (coins, farther(since, reached)) for entry, (coins, since) in self.opened.items()}
        front = self.stood - origin
        sweep(crowd.cells, crowd.s, reached - origin, front, self.kept, self.left, self.moved.swept)

    def _open(self, bar: Bar, coins: float) -> None:
        crowd, origin = self.crowd, self.crowd.origin
        first, shares = spread(bar.low, bar.high)
        own = profiles(self.contract, bar.open, crowd.s)
        where = (self.stood - origin, first - origin, coins * shares, own.first, own.shares, own.length)
        place(crowd.cells, crowd.s, *where, self.kept, self.left, self.moved.swept)
        self.moved.activity += coins
        for i, share in enumerate(shares.tolist()):
            before, since = self.opened.get(first + i, (0.0, self.stood))
            self.opened[first + i] = before + coins * share, since

    def cohort(self) -> Cohort:
        """All that was opened, by entry."""
        entries = sorted(self.opened)
        coins, reached = zip(*(self.opened[entry] for entry in entries), strict=True) if entries else ((), ())
        return Cohort(np.array(entries, np.int64), np.array(coins, np.float64), np.array(reached, np.int64))


@lru_cache
def _kept(hours: float) -> Floats:
    return np.asarray(np.exp(-_RATES * hours))


def _seat(crowd: Population, bar: Bar, contract: Contract) -> None:
    """The crowd that stood before the first bar: typical activity, long at rest, entries spread about the price."""
    stood = crowd.turnover * bar.open_interest / _RATES
    reached = crowd.reached(bar.open) - crowd.origin
    nobody, unthinned = np.zeros((CLASSES, HOLDINGS)), np.ones(BREADTH)
    for step, share in zip(_FIRST_STEPS, _FIRST_WEIGHTS, strict=True):
        entry = bar.open * exp(_FIRST_SPREAD * step)
        own = profiles(contract, entry, crowd.s)
        at = bucket(entry) - crowd.origin
        where = (reached, at, np.array([share]), own.first, own.shares, own.length)
        place(crowd.cells[:1], crowd.s, *where, 1.0 / stood, unthinned, nobody)


def _leave(crowd: Population, window: int, hour_h: int, contract: Contract) -> None:
    """Takes what a window's length ago was opened, and still stands, out of it: it was swept and thinned as all was.

    But for the moves of its own hour, which thin what stood before it.
    """
    length_h, origin = WINDOWS_H[window - 1], crowd.origin
    cohort = crowd.cohorts.get(hour_h - length_h)
    if cohort is None or not len(cohort.entry):
        return
    own = profiles(contract, exp((int(cohort.entry[len(cohort.entry) // 2]) + 0.5) * WIDTH), crowd.s)
    entered = (cohort.entry - origin, cohort.coins, cohort.reached - origin)
    since = farthest(crowd.moves, crowd.s, hour_h, length_h) - origin
    left = np.exp(GIVEN_UP / WHOLE * crowd.nearness(hour_h).of(window, origin))
    profile = (own.first, own.shares, own.length)
    leave(crowd.cells, window, crowd.s, *entered, since, left, *profile, _SURVIVE[window - 1])
