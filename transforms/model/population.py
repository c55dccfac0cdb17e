"""The modelled crowd on one side of one contract: what stands where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, WINDOWS_H
from transforms.model.price_grid import WIDTH, Floats, Ints, bucket

REACH = 1152
"""Buckets tracked to each side of the mark (a factor of 3.2); what would lie further is held at the edge."""

CLASSES, HOLDINGS, AGES = len(LEVERAGE_X), len(HALF_LIVES_H), 1 + len(WINDOWS_H)
BREADTH = 2 * REACH + 1


@dataclass
class Cohorts:
    """What was opened in each past hour and would still stand if never swept; row i is one (hour, entry bucket).

    opened_h [n]: hours since the epoch, at the end of the hour; entry [n]: bucket; base [n, holdings]: coins;
    extreme [n]: the worst mark (USD) since, for that side.
    """

    opened_h: Ints
    entry: Ints
    base: Floats
    extreme: Floats

    @classmethod
    def none(cls) -> Cohorts:
        """No cohorts."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, HOLDINGS)), np.zeros(0))

    def append(self, opened_h: int, entry: Ints, base: Floats, extreme: float) -> None:
        """Adds an hour's openings, if there were any."""
        kept = base.sum(axis=1) > 0
        n = int(kept.sum())
        self.opened_h = np.concatenate([self.opened_h, np.full(n, opened_h)])
        self.entry = np.concatenate([self.entry, entry[kept]])
        self.base = np.concatenate([self.base, base[kept]])
        self.extreme = np.concatenate([self.extreme, np.full(n, extreme)])

    def pick(self, rows: np.ndarray) -> Cohorts:
        """The rows of a mask."""
        return Cohorts(self.opened_h[rows], self.entry[rows], self.base[rows], self.extreme[rows])


@dataclass
class Population:
    """Coins standing on one side. s: +1 long, -1 short.

    cells [ages, classes, holdings, buckets]: by liquidation price; age 0 is all, then opened in the last 1, 7, 30 days.
    never [ages, holdings]: never liquidated. The bucket axis always holds REACH buckets to each side of the mark, so
    that sums add up in the same order whether the array was carried on or read back.
    """

    s: int
    mark: float
    cells: Floats
    never: Floats
    cohorts: Cohorts

    @classmethod
    def empty(cls, s: int, mark: float) -> Population:
        """Nobody, with the grid centred on `mark` (USD)."""
        return cls(s, mark, np.zeros((AGES, CLASSES, HOLDINGS, BREADTH)), np.zeros((AGES, HOLDINGS)), Cohorts.none())

    @property
    def origin(self) -> int:
        """Bucket of index 0."""
        return bucket(self.mark) - REACH

    def standing(self) -> float:
        """Coins in all."""
        return float(self.by_holding().sum())

    def by_holding(self) -> Floats:
        """Coins in each holding class, [holdings]."""
        return np.asarray(self.cells[0].sum(axis=(0, 2)) + self.never[0])

    def first_reached(self, price: float) -> int:
        """Where a mark of `price` cuts the bucket axis: a long is reached from this index up, a short below it.

        A bucket counts as reached when its middle is; over many buckets that is right on average.
        """
        x = np.log(price) / WIDTH - 0.5 - self.origin
        return int(np.clip(np.ceil(x) if self.s > 0 else np.floor(x) + 1, 0, BREADTH))

    def recentre(self, mark: float) -> None:
        """Moves the grid with the mark. Coins beyond the new edges are added to the edge."""
        shift = bucket(mark) - bucket(self.mark)
        self.mark = mark
        if shift == 0:
            return
        moved = np.zeros_like(self.cells)
        span = min(abs(shift), BREADTH)
        if shift > 0:
            moved[..., : BREADTH - span] = self.cells[..., span:]
            moved[..., 0] += self.cells[..., :span].sum(axis=-1)
        else:
            moved[..., span:] = self.cells[..., : BREADTH - span]
            moved[..., -1] += self.cells[..., BREADTH - span :].sum(axis=-1)
        self.cells = moved
