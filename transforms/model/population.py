"""The modelled crowd on one side of one contract: open positions by liquidation price, before weights apply.

Open positions are linear in the weights of the crowd (assumptions.py), and their evolution does not depend on them. The
state is therefore kept at a weight of one for every leverage and half-life, and weights are applied when it is read. A
new fit changes the reading of all open positions, not only of later openings.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from transforms.model.activity import FIRST_COUNTS_H, FIRST_TURNOVER_PER_HOUR
from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, WINDOWS_H
from transforms.model.kernels.approach import UNREACHED, Approach
from transforms.model.kernels.bars import reached_at
from transforms.model.price_grid import Floats, Ints, bucket

REACH = 1152
"""Buckets tracked to each side of the mark (a factor of 3.2); positions further away are held in the edge bucket."""

CLASSES, HOLDINGS, AGES = len(LEVERAGE_X), len(HALF_LIVES_H), 1 + len(WINDOWS_H)
BREADTH = 2 * REACH + 1


@dataclass(frozen=True)
class Cohort:
    """The openings of one hour.

    entry [n]: buckets; coins [n]: at a weight of one; reached [n]: the farthest bucket that the mark reached later in
    that hour; aged_h: the population's at the end of that hour.
    """

    entry: Ints
    coins: Floats
    reached: Ints
    aged_h: float


@dataclass
class Population:
    """The state of one side, in coins at a weight of one. s: +1 long, -1 short.

    cells [ages, classes, holdings, buckets]: by liquidation price; age 0 is all, then opened in the last 1, 7, 30 days.
    open_interest: coins, as last published; 0 before the first publication. standing: coins, closing balance of
    the last ledger entry. turnover: usual hourly taker volume over open interest, a mean of observed_h hours. aged_h:
    the hours by which positions have aged since the first (activity.py). initialised_h: the hour in which the crowd was
    initialised, None before. cohorts: openings of the last 720 hours, by the end of the hour (hours since
    the epoch); hours without bars have none. moves [720, 2]: at the hour modulo 720, the bucket that the mark had
    reached at its start and the farthest that it reached in it; UNREACHED for hours without bars.

    The bucket axis always holds REACH buckets to each side of the mark, so that sums are taken in the same order
    whether the array was advanced in memory or restored.
    """

    s: int
    mark: float
    cells: Floats
    moves: Ints
    cohorts: dict[int, Cohort] = field(default_factory=dict)
    open_interest: float = 0.0
    standing: float = 0.0
    turnover: float = FIRST_TURNOVER_PER_HOUR
    observed_h: float = FIRST_COUNTS_H
    aged_h: float = 0.0
    initialised_h: int | None = None
    _approach: Approach | None = None

    @classmethod
    def empty(cls, s: int, mark: float) -> Population:
        """Return a crowd without positions, with the axis centred on `mark` (USD)."""
        return cls(s, mark, np.zeros((AGES, CLASSES, HOLDINGS, BREADTH)), np.full((WINDOWS_H[-1], 2), s * UNREACHED))

    def record_move(self, hour_h: int, before: int, after: int) -> None:
        """Record the move of an hour. Hours may be skipped; a skipped hour counts as no move."""
        if self._approach and self._approach.hour_h == hour_h - 1 and self._approach.covers(self.origin):
            self._approach.carry(hour_h, before, after)
        else:
            self.moves[hour_h % len(self.moves)] = before, after
            self._approach = None

    def approach(self, hour_h: int) -> Approach:
        """Return how much nearer the mark came in the windows that end with `hour_h`, the last recorded hour."""
        if self._approach is None:
            self._approach = Approach(self.moves, self.s, hour_h, self.origin, BREADTH)
        return self._approach

    def clear(self) -> None:
        """Remove all positions, cohorts and moves."""
        self.cells[:], self.moves[:], self.cohorts, self._approach = 0.0, self.s * UNREACHED, {}, None
        self.initialised_h = None

    @property
    def origin(self) -> int:
        """Bucket of index 0 of the axis."""
        return bucket(self.mark) - REACH

    def reached(self, price: float) -> int:
        """Return the farthest bucket that a mark of `price` (USD) reaches."""
        return reached_at(self.s, price)
