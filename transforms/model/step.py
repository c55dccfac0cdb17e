"""One hour of one side: positions age, some exit early, the mark sweeps levels, and trading opens new positions.

Every step is linear and independent of the weights of the crowd. What the mark swept, by leverage and half-life, is
therefore the exposure that a fit needs, and open positions can be read with any weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, fsum, isnan, nan
from operator import attrgetter

import numpy as np

from transforms.model.activity import stretch
from transforms.model.assumptions import EARLY_EXIT_EXPONENT, HALF_LIVES_H, WINDOWS_H
from transforms.model.distance_profile import Contract, Profiles, profiles
from transforms.model.kernels.approach import UNREACHED, WHOLE, farthest, powers
from transforms.model.kernels.bars import pass_bars
from transforms.model.kernels.cells import commit, expire_cohort, open_positions
from transforms.model.population import AGES, BREADTH, CLASSES, HOLDINGS, Cohort, Population
from transforms.model.price_grid import WIDTH, Floats, Ints, bucket

_RATES = np.log(2.0) / np.array(HALF_LIVES_H)
_DUST = 1e-8  # of open interest, at a weight of one: smaller cells are negligible and would fill the state
_FIRST_SPREAD = 0.03  # standard deviation of log entry price of positions older than the first bar, a guess
_FIRST_BUCKETS = np.arange(-75, 76)  # one entry per bucket: wider steps leave a comb in the map
_FIRST_WEIGHTS = np.exp(-0.5 * (_FIRST_BUCKETS * WIDTH / _FIRST_SPREAD) ** 2)
_FIRST_SHARES = _FIRST_WEIGHTS / _FIRST_WEIGHTS.sum()


@dataclass(frozen=True)
class Bar:
    """One bar of the mark with its volume and open interest, for one side.

    taker_base: half of taker buys plus sells, NaN where unknown. open_interest: NaN where none is published at the end
    of the bar. account_growth: relative change in the number of accounts on this side, NaN where it is not published.
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
    """The flows of an hour, in coins at a weight of one: swept [classes, holdings], and total activity opened."""

    swept: Floats
    activity: float


def advance(crowd: Population, bars: list[Bar], contract: Contract, hour_h: int) -> Moved:
    """Advance `crowd` in place through the bars of the hour that ends at `hour_h` (hours since the epoch).

    There are no positions until open interest is first published, and none after it is published as 0. Without bars
    positions only age. Missing minutes are taken to precede the first bar.
    """
    hour = _HourProgress(crowd, contract, max(1.0 - fsum(bar.hours for bar in bars), 0.0))
    hour.process(bars)
    shift = bucket(bars[-1].close) - bucket(crowd.mark) if bars else 0
    commit(crowd.cells, hour.survival, hour.retained, _DUST * crowd.open_interest, shift)
    if bars:
        crowd.mark = bars[-1].close
    if bars and crowd.open_interest > 0.0:
        crowd.initialised_h = hour_h if crowd.initialised_h is None else crowd.initialised_h
        crowd.cohorts[hour_h] = hour.cohort()
        crowd.record_move(hour_h, hour.before, hour.worst)
    else:
        crowd.record_move(hour_h, crowd.s * UNREACHED, crowd.s * UNREACHED)
    for window in range(1, AGES):
        _expire_window(crowd, window, hour_h, contract)
    while crowd.cohorts and (oldest := next(iter(crowd.cohorts))) <= hour_h - WINDOWS_H[-1]:
        del crowd.cohorts[oldest]
    return hour.moved


class _HourProgress:
    """The progress through the bars of an hour.

    survival [holdings], retained [buckets]: see kernels/cells.py. before, worst: the bucket that the mark had reached
    at the start of the hour, and the farthest since. front: the bucket reached at the last close. opened: see
    kernels/bars.py.
    """

    def __init__(self, crowd: Population, contract: Contract, missing_h: float) -> None:
        self.crowd, self.contract = crowd, contract
        missing_h /= stretch(crowd.turnover)
        crowd.aged_h += missing_h
        self.survival = np.exp(-_RATES * missing_h)
        self.retained = np.ones(BREADTH)
        self.before = self.worst = self.front = crowd.reached(crowd.mark)
        self.opened: tuple[int, Floats, Ints] = 0, np.zeros(0), np.zeros(0, np.int64)
        self.moved = Moved(np.zeros((CLASSES, HOLDINGS)), 0.0)

    def process(self, bars: list[Bar]) -> None:
        """Process all bars of the hour: in each, the mark sweeps open positions before new ones open."""
        if not bars:
            return
        lowest, highest = (bucket(price) for price in (min(b.low for b in bars), max(b.high for b in bars)))
        entries = highest - lowest + 1
        self.opened = lowest, np.zeros(entries), np.zeros(entries, np.int64)
        known, start = self.crowd.open_interest, 0
        own = profiles(self.contract, bars[0].open, self.crowd.s)
        for n, bar in enumerate(bars):
            before, own, starts = own, profiles(self.contract, bar.open, self.crowd.s), known == 0.0 < bar.open_interest
            if starts or own is not before:
                self._process_run(bars[start:n], before)
                start = n
            if starts:
                self._start_crowd(bar)
            known = known if isnan(bar.open_interest) else bar.open_interest
        self._process_run(bars[start:], own)

    def _process_run(self, bars: list[Bar], own: Profiles) -> None:
        """Process a run of bars that share one distance profile; only its first may initialise the crowd."""
        if not bars:
            return
        crowd, rows = self.crowd, np.array([_row(bar) for bar in bars])
        profile, passing = (own.first, own.shares, own.length), (self.survival, self.retained, self.moved.swept)
        known = crowd.open_interest, crowd.turnover, crowd.observed_h, crowd.aged_h, self.worst, self.front
        thin = powers(crowd.s, EARLY_EXIT_EXPONENT)
        known, activity, emptied = pass_bars(
            crowd.cells, crowd.s, crowd.origin, rows, _RATES, thin, profile, passing, self.opened, known
        )
        crowd.open_interest, crowd.turnover, crowd.observed_h, crowd.aged_h, self.worst, self.front = known
        self.moved.activity += activity
        if emptied:
            crowd.clear()

    def _start_crowd(self, bar: Bar) -> None:
        """Initialise the crowd at the open of `bar`: no position existed before, so nothing earlier applies to it."""
        self.crowd.mark, self.crowd.aged_h = bar.open, 0.0
        self.survival[:] = self.retained[:] = 1.0
        self.before = self.worst = self.front = self.crowd.reached(bar.open)
        _initialise(self.crowd, bar, self.contract)

    def cohort(self) -> Cohort:
        """Return the openings of the hour, by entry bucket."""
        lowest, coins, reached = self.opened
        some = np.flatnonzero(coins)
        return Cohort(lowest + some, coins[some], reached[some], self.crowd.aged_h)


def _initialise(crowd: Population, bar: Bar, contract: Contract) -> None:
    """Initialise positions from before the first bar: equilibrium at typical activity, entries around the price."""
    steady = crowd.turnover * stretch(crowd.turnover) ** 2 * bar.open_interest / _RATES
    reached, entry = (at - crowd.origin for at in (crowd.reached(bar.open), bucket(bar.open) + int(_FIRST_BUCKETS[0])))
    own = profiles(contract, bar.open, crowd.s)
    where = (reached, entry, _FIRST_SHARES, own.first, own.shares, own.length)
    nobody, unthinned = np.zeros((CLASSES, HOLDINGS)), np.ones(BREADTH)
    open_positions(crowd.cells[:1], crowd.s, *where, 1.0 / steady, unthinned, nobody)


def _expire_window(crowd: Population, window: int, hour_h: int, contract: Contract) -> None:
    """Expire from a window the positions that were opened its length ago and are still open.

    Sweeps and early exits have reduced them like all others, except early exits by moves of their own opening hour,
    which only affect older positions.
    """
    length_h, origin = WINDOWS_H[window - 1], crowd.origin
    cohort = crowd.cohorts.get(hour_h - length_h)
    if cohort is None or not len(cohort.entry):
        return
    own = profiles(contract, exp((int(cohort.entry[len(cohort.entry) // 2]) + 0.5) * WIDTH), crowd.s)
    entered = (cohort.entry - origin, cohort.coins, cohort.reached - origin)
    since = farthest(crowd.moves, crowd.s, hour_h, length_h) - origin
    retained = np.exp(EARLY_EXIT_EXPONENT / WHOLE * crowd.approach(hour_h).of(window, origin))
    profile = (own.first, own.shares, own.length)
    survival = np.exp(-_RATES * (crowd.aged_h - cohort.aged_h))
    expire_cohort(crowd.cells, window, crowd.s, *entered, since, retained, *profile, survival)
