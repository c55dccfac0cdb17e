"""One hour of one side: positions age, some are given up, the mark sweeps, and what is traded opens new ones.

All of it is linear and none of it knows the weights of the crowd, so that what the mark swept, by leverage and
half-life, is what a fit needs, and what stands can be read with any weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, fsum, isnan, nan
from operator import attrgetter

import numpy as np

from transforms.model.assumptions import EARLY_EXIT_EXPONENT, HALF_LIVES_H, WINDOWS_H
from transforms.model.distance_profile import Contract, Profiles, profiles
from transforms.model.kernels.approach import UNREACHED, WHOLE, farthest, powers
from transforms.model.kernels.bars import pass_bars
from transforms.model.kernels.cells import commit, expire_cohort, open_positions
from transforms.model.population import AGES, BREADTH, CLASSES, HOLDINGS, Cohort, Population
from transforms.model.price_grid import WIDTH, Floats, Ints, bucket

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


_row = attrgetter("hours", "open", "high", "low", "close", "taker_base", "open_interest", "account_growth")


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
    hour.through(bars)
    shift = bucket(bars[-1].close) - bucket(crowd.mark) if bars else 0
    commit(crowd.cells, hour.kept, hour.left, _DUST * crowd.open_interest, shift)
    if bars:
        crowd.mark = bars[-1].close
    if bars and crowd.open_interest > 0.0:
        crowd.initialised_h = hour_h if crowd.initialised_h is None else crowd.initialised_h
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
    farthest since. stood: where it was last. opened: see bars.py.
    """

    def __init__(self, crowd: Population, contract: Contract, missing_h: float) -> None:
        self.crowd, self.contract = crowd, contract
        self.kept = np.exp(-_RATES * missing_h)
        self.left = np.ones(BREADTH)
        self.before = self.worst = self.stood = crowd.reached(crowd.mark)
        self.opened: tuple[int, Floats, Ints] = 0, np.zeros(0), np.zeros(0, np.int64)
        self.moved = Moved(np.zeros((CLASSES, HOLDINGS)), 0.0)

    def through(self, bars: list[Bar]) -> None:
        """All bars of the hour: in each, who stood is swept, then others open."""
        if not bars:
            return
        lowest, highest = (bucket(price) for price in (min(b.low for b in bars), max(b.high for b in bars)))
        entries = highest - lowest + 1
        self.opened = lowest, np.zeros(entries), np.zeros(entries, np.int64)
        known, start = self.crowd.open_interest, 0
        own = profiles(self.contract, bars[0].open, self.crowd.s)
        for n, bar in enumerate(bars):
            before, own, begins = own, profiles(self.contract, bar.open, self.crowd.s), known == 0.0 < bar.open_interest
            if begins or own is not before:
                self._pass(bars[start:n], before)
                start = n
            if begins:
                self._begin(bar)
            known = known if isnan(bar.open_interest) else bar.open_interest
        self._pass(bars[start:], own)

    def _pass(self, bars: list[Bar], own: Profiles) -> None:
        """Bars that are entered at distances of one profile, after the first of which nobody is seated."""
        if not bars:
            return
        crowd, rows = self.crowd, np.array([_row(bar) for bar in bars])
        profile, passing = (own.first, own.shares, own.length), (self.kept, self.left, self.moved.swept)
        known = crowd.open_interest, crowd.turnover, self.worst, self.stood
        thin = powers(crowd.s, EARLY_EXIT_EXPONENT)
        known, activity, emptied = pass_bars(
            crowd.cells, crowd.s, crowd.origin, rows, _RATES, thin, profile, passing, self.opened, known
        )
        crowd.open_interest, crowd.turnover, self.worst, self.stood = known
        self.moved.activity += activity
        if emptied:
            crowd.leave_nobody()

    def _begin(self, bar: Bar) -> None:
        """The crowd is seated where the mark is now: what passed before aged, thinned and swept nobody."""
        self.crowd.mark = bar.open
        self.kept[:] = self.left[:] = 1.0
        self.before = self.worst = self.stood = self.crowd.reached(bar.open)
        _initialise(self.crowd, bar, self.contract)

    def cohort(self) -> Cohort:
        """All that was opened, by entry."""
        lowest, coins, reached = self.opened
        some = np.flatnonzero(coins)
        return Cohort(lowest + some, coins[some], reached[some])


def _initialise(crowd: Population, bar: Bar, contract: Contract) -> None:
    """The crowd that stood before the first bar: typical activity, long at rest, entries spread about the price."""
    stood = crowd.turnover * bar.open_interest / _RATES
    reached = crowd.reached(bar.open) - crowd.origin
    nobody, unthinned = np.zeros((CLASSES, HOLDINGS)), np.ones(BREADTH)
    for step, share in zip(_FIRST_STEPS, _FIRST_WEIGHTS, strict=True):
        entry = bar.open * exp(_FIRST_SPREAD * step)
        own = profiles(contract, entry, crowd.s)
        at = bucket(entry) - crowd.origin
        where = (reached, at, np.array([share]), own.first, own.shares, own.length)
        open_positions(crowd.cells[:1], crowd.s, *where, 1.0 / stood, unthinned, nobody)


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
    left = np.exp(EARLY_EXIT_EXPONENT / WHOLE * crowd.approach(hour_h).of(window, origin))
    profile = (own.first, own.shares, own.length)
    expire_cohort(crowd.cells, window, crowd.s, *entered, since, left, *profile, _SURVIVE[window - 1])
