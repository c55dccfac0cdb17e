"""One hour of one side: the mark sweeps, takers open, the rest of the change in open interest is closing.

Open interest is an identity, never an input to be split: standing = what stood + opened - closed - swept, and it
equals what the venue says is open. Openings follow the side's taker volume and sweeps the mark, so closing is what is
left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.model.assumptions import HALF_LIVES_H, WINDOWS_H, Assumptions
from transforms.model.distance_profile import Contract, Profile, profiles
from transforms.model.population import BREADTH, HOLDINGS, Population
from transforms.model.price_grid import Floats, bucket, middle, spread

_RATES = np.log(2.0) / np.array(HALF_LIVES_H)
_NEWTON_ROUNDS = 100
_DUST = 1e-14  # of what stands: cells below it are rounding, and would fill the state for ever
_FIRST_SPREAD = 0.03  # entries of those who stood before the first bar: standard deviation of log price, a guess
_FIRST_STEPS = np.linspace(-2.5, 2.5, 51)
_FIRST_WEIGHTS = np.exp(-0.5 * _FIRST_STEPS**2) / np.exp(-0.5 * _FIRST_STEPS**2).sum()


@dataclass(frozen=True)
class Bar:
    """One bar of the mark with what happened in it, for one side. open_interest NaN: not published at its end."""

    hours: float
    open: float
    high: float
    low: float
    close: float
    taker_base: float
    open_interest: float


@dataclass
class Ledger:
    """What an hour did, in coins."""

    previous: float = 0.0
    opened: float = 0.0
    closed: float = 0.0
    swept: float = 0.0


def advance(crowd: Population, bars: list[Bar], contract: Contract, assumed: Assumptions, hour_h: int) -> Ledger:
    """Moves `crowd` in place through the bars of the hour that ends at `hour_h` (hours since the epoch).

    Bars without open interest only sweep; their volume counts at the hour's next bar that has it. Without bars only
    ages change.
    """
    hour = _Hour(crowd, bars, contract, assumed)
    for bar in bars:
        hour.sweep(bar)
        hour.pending_base += bar.taker_base
        if np.isnan(bar.open_interest):
            continue
        if hour.totals.sum() == 0.0:
            hour.seat(bar)
        else:
            hour.trade(bar)
    hour.settle(bars, hour_h)
    return hour.ledger


class _Hour:
    """The hour's work space.

    What stands by holding class is scaled by `kept`, applied to the arrays once, at the end.
    """

    def __init__(self, crowd: Population, bars: list[Bar], contract: Contract, assumed: Assumptions) -> None:
        self.crowd, self.contract, self.assumed = crowd, contract, assumed
        self.totals = crowd.by_holding()  # coins now, fresh ones included
        self.ledger = Ledger(previous=float(self.totals.sum()))
        self.kept = np.ones(HOLDINGS)
        self.fresh = np.zeros_like(
            crowd.cells[0]
        )  # opened in this hour; true coins are fresh * kept, as for crowd.cells
        self.fresh_never = np.zeros(HOLDINGS)
        self.entries: dict[int, Floats] = {}  # entry bucket -> coins opened, by holding class, over kept
        self.pending_base = 0.0
        self.front = crowd.first_reached(crowd.mark)  # nothing stands beyond
        best = max([crowd.mark, *(b.high for b in bars)]) if crowd.s > 0 else min([crowd.mark, *(b.low for b in bars)])
        self.active = slice(0, crowd.first_reached(best)) if crowd.s > 0 else slice(crowd.first_reached(best), BREADTH)

    def sweep(self, bar: Bar) -> None:
        """Liquidates what the bar's extreme reached."""
        cut = self.crowd.first_reached(bar.low if self.crowd.s > 0 else bar.high)
        reached = slice(cut, max(self.front, cut)) if self.crowd.s > 0 else slice(min(self.front, cut), cut)
        gone = (
            self.crowd.cells[0, :, :, reached].sum(axis=(0, 2)) + self.fresh[:, :, reached].sum(axis=(0, 2))
        ) * self.kept
        self.crowd.cells[:, :, :, reached] = 0.0
        self.fresh[:, :, reached] = 0.0
        self.totals = self.totals - gone
        self.ledger.swept += float(gone.sum())
        self.front = cut

    def seat(self, bar: Bar) -> None:
        """The crowd that stood before the first bar.

        The prior at rest, entries spread about the price, none beyond the mark.
        """
        crowd, share = self.crowd, self.assumed.standing_share
        for step, weight in zip(_FIRST_STEPS, _FIRST_WEIGHTS, strict=True):
            entry = bar.open * float(np.exp(_FIRST_SPREAD * step))
            for index, profile in enumerate(self.profiles(entry)):
                _add(
                    crowd.cells[0, index],
                    bucket(entry) + profile.first - crowd.origin,
                    profile.shares,
                    weight * share[1 + index],
                )
        cut = crowd.first_reached(bar.low if crowd.s > 0 else bar.high)
        crowd.cells[0, :, :, slice(cut, None) if crowd.s > 0 else slice(cut)] = 0.0
        crowd.never[0] = share[0]
        scale = bar.open_interest / float(crowd.by_holding().sum())
        crowd.cells[0] *= scale
        crowd.never[0] *= scale
        self.totals = crowd.by_holding()
        self.ledger.opened += float(self.totals.sum())
        self.pending_base = 0.0

    def trade(self, bar: Bar) -> None:
        """Opens what this side's takers open, at least as much as open interest demands, then closes down to it."""
        standing = float(self.totals.sum())
        wanted = self.assumed.open_share_of_taker * self.pending_base
        self.pending_base = 0.0
        first, shares = spread(bar.low, bar.high)
        cut = self.crowd.first_reached(bar.close)
        placed = [
            self.place(first, shares, profile, cut)
            for profile in self.profiles(float(middle(first + len(shares) // 2)))
        ]
        stays = np.array([float(p.shares.sum()) for p in placed])  # the rest is opened and swept within the bar
        opening = self.assumed.opening_share * stays[:, None]
        lost = max(1.0 - float(opening.sum() + self.assumed.never_share.sum()), 0.0)
        opened = max(wanted, (bar.open_interest - standing) / (1.0 - lost))
        for index, profile in enumerate(placed):
            _add(
                self.fresh[index], profile.first, profile.shares, opened * self.assumed.opening_share[index] / self.kept
            )
        self.fresh_never += opened * self.assumed.never_share / self.kept
        for i, share in enumerate(shares.tolist()):
            coins = opened * share * self.assumed.by_holding / self.kept
            self.entries[first + i] = self.entries.get(first + i, 0.0) + coins
        self.totals = self.totals + opened * (opening.sum(axis=0) + self.assumed.never_share)
        self.ledger.opened += opened
        self.ledger.swept += opened * lost
        self.front = max(self.front, cut) if self.crowd.s > 0 else min(self.front, cut)
        self.close(bar)

    def place(self, first: int, shares: Floats, profile: Profile, cut: int) -> Profile:
        """A class opened over entry buckets from `first`.

        Shares by index on the bucket axis, without what the close reached.
        """
        start = first + profile.first - self.crowd.origin
        blurred = np.convolve(shares, profile.shares)
        if self.crowd.s > 0:
            return Profile(start, blurred[: max(cut - start, 0)])
        beyond = min(max(cut - start, 0), len(blurred))
        return Profile(start + beyond, blurred[beyond:])

    def close(self, bar: Bar) -> None:
        """Closes down to open interest.

        Every holding class at its own rate, all rates sped up or slowed by one factor.
        """
        self.ledger.closed += float(self.totals.sum()) - bar.open_interest
        survival = _survival(self.totals, bar.open_interest, bar.hours)
        self.totals = self.totals * survival
        self.kept = self.kept * survival
        if self.kept.min() < 1e-9:  # dividing by next to nothing would lose digits
            self.apply_kept()

    def apply_kept(self) -> None:
        """Makes the arrays true again."""
        self.crowd.cells[..., self.active] *= self.kept[None, None, :, None]
        self.crowd.never *= self.kept
        self.crowd.cohorts.base = self.crowd.cohorts.base * self.kept
        self.fresh[..., self.active] *= self.kept[None, :, None]
        self.fresh_never *= self.kept
        self.entries = {entry: coins * self.kept for entry, coins in self.entries.items()}
        self.kept = np.ones(HOLDINGS)

    def settle(self, bars: list[Bar], hour_h: int) -> None:
        """Joins the hour's openings to the windows, ages the windows, and moves the grid with the mark."""
        self.apply_kept()
        crowd, cohorts = self.crowd, self.crowd.cohorts
        cells = crowd.cells[..., self.active]
        cells += self.fresh[..., self.active]
        crowd.never += self.fresh_never
        if bars:
            worst = min(b.low for b in bars) if crowd.s > 0 else max(b.high for b in bars)
            cohorts.extreme = (np.minimum if crowd.s > 0 else np.maximum)(cohorts.extreme, worst)
        if self.entries:
            entries = np.array(sorted(self.entries))
            cohorts.append(hour_h, entries, np.array([self.entries[e] for e in entries.tolist()]), bars[-1].close)
        for age, length in enumerate(WINDOWS_H, start=1):
            self.leave_window(age, hour_h - length)
        crowd.cohorts = cohorts.pick(cohorts.opened_h > hour_h - WINDOWS_H[-1])
        for inner, outer in ((3, 0), (2, 3), (1, 2)):  # rounding must not make a window larger than the one around it
            np.minimum(cells[inner], cells[outer], out=cells[inner])
            np.minimum(crowd.never[inner], crowd.never[outer], out=crowd.never[inner])
        dust = (cells[0] > 0.0) & (cells[0] < _DUST * float(self.totals.sum()))
        if dust.any():
            cells[:, dust] = 0.0
        if bars:
            crowd.recentre(bars[-1].close)

    def leave_window(self, age: int, opened_h: int) -> None:
        """Takes the survivors of the hour `opened_h` out of a window.

        Those whose price the mark has not reached since.
        """
        crowd, assumed = self.crowd, self.assumed
        leaving = crowd.cohorts.pick(crowd.cohorts.opened_h == opened_h)
        opened = np.where(assumed.by_holding > 0, assumed.by_holding, np.inf)
        for entry, base, extreme in zip(leaving.entry.tolist(), leaving.base, leaving.extreme.tolist(), strict=True):
            cut = crowd.first_reached(extreme)
            for index, profile in enumerate(self.profiles(float(middle(entry)))):
                placed = self.place(entry, np.ones(1), profile, cut)
                _add(
                    crowd.cells[age, index], placed.first, placed.shares, -assumed.opening_share[index] * base / opened
                )
            crowd.never[age] = np.maximum(crowd.never[age] - assumed.never_share * base / opened, 0.0)
        if len(leaving.entry):
            np.maximum(crowd.cells[age][..., self.active], 0.0, out=crowd.cells[age][..., self.active])

    def profiles(self, entry: float) -> tuple[Profile, ...]:
        """Distances of each class for positions entered near `entry` USD."""
        return profiles(self.contract, self.assumed, entry, self.crowd.s)


def _survival(totals: Floats, target: float, hours: float) -> Floats:
    """exp(-x rate hours) by holding class, with x such that what survives of `totals` is `target` (both coins).

    What survives is convex and falling in x, so Newton from x = 0 comes to the root from below and never passes it.
    """
    if target <= 0.0:
        return np.zeros(HOLDINGS)
    x, rates = 0.0, _RATES * hours
    for _ in range(_NEWTON_ROUNDS):
        left = totals * np.exp(-x * rates)
        over = float(left.sum()) - target
        if over <= 1e-14 * target:
            break
        x += over / float((left * rates).sum())
    kept = np.exp(-x * rates)
    return np.asarray(kept * (target / float((totals * kept).sum())))


def _add(cells: Floats, start: int, shares: Floats, coins: Floats) -> None:
    """Adds `coins` [holdings] by `shares` from index `start` to `cells` [holdings, buckets].

    What lies off the axis, at its edge.
    """
    stop = start + len(shares)
    if start >= 0 and stop <= BREADTH:
        cells[:, start:stop] += coins[:, None] * shares
        return
    where = np.clip(np.arange(start, stop), 0, BREADTH - 1)
    for holding in range(HOLDINGS):
        np.add.at(cells[holding], where, coins[holding] * shares)
