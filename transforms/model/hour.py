"""One hour of one side: positions age, some are given up, the mark sweeps, and what is traded opens new ones.

All of it is linear and none of it knows the weights of the crowd, so that what the mark swept, by leverage and
half-life, is what a fit needs, and what stands can be read with any weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, fsum, log

import numpy as np

from transforms.model.activity import activity, typical
from transforms.model.assumptions import GIVEN_UP, HALF_LIVES_H, WINDOWS_H
from transforms.model.distance_profile import Contract, profiles
from transforms.model.kernel import age, give_up, place, sweep
from transforms.model.population import CLASSES, HOLDINGS, Cohorts, Population
from transforms.model.price_grid import WIDTH, Floats, bucket, middle, spread

_RATES = np.log(2.0) / np.array(HALF_LIVES_H)
_DUST = 1e-8  # of open interest, at a weight of one: cells below it matter to nobody and would fill the state for ever
_FIRST_SPREAD = 0.03  # entries of those who stood before the first bar: standard deviation of log price, a guess
_FIRST_STEPS = np.linspace(-2.5, 2.5, 51)
_FIRST_WEIGHTS = np.exp(-0.5 * _FIRST_STEPS**2) / np.exp(-0.5 * _FIRST_STEPS**2).sum()


@dataclass(frozen=True)
class Bar:
    """One bar of the mark with what happened in it, for one side.

    taker_base: buys and sells, halved. open_interest NaN: not published at its end. account_growth: change of the
    number of accounts on this side over that number, 0 where it is not published.
    """

    hours: float
    open: float
    high: float
    low: float
    close: float
    taker_base: float
    open_interest: float
    account_growth: float = 0.0


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
    moved = Moved(np.zeros((CLASSES, HOLDINGS)), 0.0)
    worst = crowd.mark
    nearest = min if crowd.s > 0 else max
    kept = np.exp(-_RATES * max(1.0 - fsum(bar.hours for bar in bars), 0.0))
    entries: dict[int, tuple[float, float]] = {}  # bucket -> coins opened, the worst mark since
    for bar in bars:
        if not np.isnan(bar.open_interest) and crowd.open_interest == 0.0 < bar.open_interest:
            _seat(crowd, bar, contract)
        kept *= np.exp(-_RATES * bar.hours)
        own = profiles(contract, bar.open, crowd.s)
        reached = bar.low if crowd.s > 0 else bar.high
        if crowd.s * (worst - reached) > 0.0:
            give_up(crowd.cells, crowd.s, _at(crowd, worst), _at(crowd, reached), own.distance, GIVEN_UP)
            worst = reached
        entries = {entry: (coins, nearest(since, reached)) for entry, (coins, since) in entries.items()}
        sweep(crowd.cells, crowd.s, crowd.first_reached(reached), kept, moved.swept)
        if not np.isnan(bar.open_interest):
            crowd.open_interest = bar.open_interest
            if crowd.open_interest == 0.0:
                crowd.cells[:], crowd.cohorts, entries = 0.0, Cohorts.none(), {}
        crowd.turnover = typical(crowd.turnover, bar.taker_base, crowd.open_interest, bar.hours)
        coins = activity(bar.taker_base, crowd.open_interest, bar.hours, crowd.turnover, bar.account_growth)
        if coins > 0.0:
            first, shares = spread(bar.low, bar.high)
            cut = crowd.first_reached(bar.close)
            at = first - crowd.origin
            place(crowd.cells, crowd.s, cut, at, coins * shares, own.first, own.shares, own.length, kept, moved.swept)
            moved.activity += coins
            for i, share in enumerate(shares.tolist()):
                before, since = entries.get(first + i, (0.0, bar.close))
                entries[first + i] = before + coins * share, since
    _settle(crowd, bars, contract, hour_h, kept, entries)
    return moved


def _at(crowd: Population, price: float) -> float:
    """Where a price lies on the bucket axis, so that the middle of bucket i is at i."""
    return log(price) / WIDTH - 0.5 - crowd.origin


def _seat(crowd: Population, bar: Bar, contract: Contract) -> None:
    """The crowd that stood before the first bar: typical activity, long at rest, entries spread about the price."""
    stood = crowd.turnover * bar.open_interest / _RATES
    for step, share in zip(_FIRST_STEPS, _FIRST_WEIGHTS, strict=True):
        entry = bar.open * exp(_FIRST_SPREAD * step)
        own = profiles(contract, entry, crowd.s)
        cut = crowd.first_reached(bar.open)
        unseen = np.zeros((CLASSES, HOLDINGS))
        at = bucket(entry) - crowd.origin
        coins = np.array([share])
        place(crowd.cells[:1], crowd.s, cut, at, coins, own.first, own.shares, own.length, 1.0 / stood, unseen)


def _settle(
    crowd: Population,
    bars: list[Bar],
    contract: Contract,
    hour_h: int,
    kept: Floats,
    entries: dict[int, tuple[float, float]],
) -> None:
    """Ages what stands, takes out of the windows what leaves them, and moves the grid with the mark."""
    cohorts = crowd.cohorts
    if bars:
        worst = min(b.low for b in bars) if crowd.s > 0 else max(b.high for b in bars)
        cohorts.extreme = (np.minimum if crowd.s > 0 else np.maximum)(cohorts.extreme, worst)
    if entries:
        coins, since = np.array([entries[entry] for entry in sorted(entries)]).T
        cohorts.append(hour_h, np.array(sorted(entries)), coins, since)
    leaving = np.zeros((len(WINDOWS_H), *crowd.cells.shape[1:]))
    for window, length in zip(leaving, WINDOWS_H, strict=True):
        _leave(window, crowd, hour_h - length, length, contract)
    crowd.cohorts = cohorts.pick(cohorts.opened_h > hour_h - WINDOWS_H[-1])
    age(crowd.cells, leaving, kept, _DUST * crowd.open_interest)
    if bars:
        crowd.recentre(bars[-1].close)


def _leave(window: Floats, crowd: Population, opened_h: int, length_h: int, contract: Contract) -> None:
    """Puts into `window` [classes, holdings, buckets] the survivors of the hour `opened_h`, which leaves it now.

    Those whose price the mark has not reached since. What was given up is taken from the worst mark since, as if it
    had been reached in one move. Moves on the way gave up more, which is so taken from others: on the markets of known
    positions the day holds 5 % too little, the week 2 %.
    """
    leaving = crowd.cohorts.pick(crowd.cohorts.opened_h == opened_h)
    if not len(leaving.entry):
        return
    survive, unseen = np.exp(_RATES * length_h), np.zeros((CLASSES, HOLDINGS))
    for entry, coins, extreme in zip(leaving.entry.tolist(), leaving.activity, leaving.extreme.tolist(), strict=True):
        own = profiles(contract, float(middle(entry)), crowd.s)
        cut, at = crowd.first_reached(extreme), entry - crowd.origin
        place(window[None], crowd.s, cut, at, np.array([coins]), own.first, own.shares, own.length, survive, unseen)
    entry, extreme = int(np.median(leaving.entry)), float(np.median(leaving.extreme))
    own = profiles(contract, float(middle(entry)), crowd.s)
    give_up(window[None], crowd.s, float(entry - crowd.origin), _at(crowd, extreme), own.distance, GIVEN_UP)
