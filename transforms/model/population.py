"""The modelled crowd on one side of one contract: what would stand where, before it is known who opens what.

What stands is linear in the weights of the crowd (assumptions.py), and nothing that happens to it depends on them. So
the crowd is carried at a weight of one for every leverage and half-life, and weights enter when it is read: a new fit
changes the reading of all that stands, not only of what is opened after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log

import numpy as np

from transforms.model.activity import FIRST_TURNOVER_PER_HOUR
from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, WINDOWS_H
from transforms.model.kernel import move
from transforms.model.price_grid import WIDTH, Floats, Ints, bucket

REACH = 1152
"""Buckets tracked to each side of the mark (a factor of 3.2); what would lie further is held at the edge."""

CLASSES, HOLDINGS, AGES = len(LEVERAGE_X), len(HALF_LIVES_H), 1 + len(WINDOWS_H)
BREADTH = 2 * REACH + 1


@dataclass
class Cohorts:
    """What each past hour opened, at which price; row i is one (hour, entry bucket).

    opened_h [n]: hours since the epoch, at the end of the hour; entry [n]: bucket; activity [n]: coins;
    extreme [n]: the worst mark (USD) since, for that side.
    """

    opened_h: Ints
    entry: Ints
    activity: Floats
    extreme: Floats

    @classmethod
    def none(cls) -> Cohorts:
        """No cohorts."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    def append(self, opened_h: int, entry: Ints, activity: Floats, extreme: Floats) -> None:
        """Adds an hour's openings, if there were any."""
        kept = activity > 0
        n = int(kept.sum())
        self.opened_h = np.concatenate([self.opened_h, np.full(n, opened_h)])
        self.entry = np.concatenate([self.entry, entry[kept]])
        self.activity = np.concatenate([self.activity, activity[kept]])
        self.extreme = np.concatenate([self.extreme, extreme[kept]])

    def pick(self, rows: np.ndarray) -> Cohorts:
        """The rows of a mask."""
        return Cohorts(self.opened_h[rows], self.entry[rows], self.activity[rows], self.extreme[rows])


@dataclass
class Population:
    """Coins standing on one side at a weight of one. s: +1 long, -1 short.

    cells [ages, classes, holdings, buckets]: by liquidation price; age 0 is all, then opened in the last 1, 7, 30 days.
    open_interest: coins, as last published; 0 before the first. standing: coins, as the books last had it.
    turnover: taker volume of a typical hour over open interest.
    The bucket axis always holds REACH buckets to each side of the mark, so that sums add up in the same order whether
    the array was carried on or read back.
    """

    s: int
    mark: float
    cells: Floats
    cohorts: Cohorts
    open_interest: float = 0.0
    standing: float = 0.0
    turnover: float = FIRST_TURNOVER_PER_HOUR

    @classmethod
    def empty(cls, s: int, mark: float) -> Population:
        """Nobody, with the grid centred on `mark` (USD)."""
        return cls(s, mark, np.zeros((AGES, CLASSES, HOLDINGS, BREADTH)), Cohorts.none())

    @property
    def origin(self) -> int:
        """Bucket of index 0."""
        return bucket(self.mark) - REACH

    def first_reached(self, price: float) -> int:
        """Where a mark of `price` cuts the bucket axis: a long is reached from this index up, a short below it.

        A bucket counts as reached when its middle is; over many buckets that is right on average.
        """
        x = log(price) / WIDTH - 0.5 - self.origin
        return min(max(ceil(x) if self.s > 0 else floor(x) + 1, 0), BREADTH)

    def recentre(self, mark: float) -> None:
        """Moves the grid with the mark. Coins beyond the new edges are added to the edge."""
        shift = bucket(mark) - bucket(self.mark)
        self.mark = mark
        if shift == 0:
            return
        move(self.cells, shift)
