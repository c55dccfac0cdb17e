"""The modelled crowd on one side of one contract: what would stand where, before it is known who opens what.

What stands is linear in the weights of the crowd (assumptions.py), and nothing that happens to it depends on them. So
the crowd is carried at a weight of one for every leverage and half-life, and weights enter when it is read: a new fit
changes the reading of all that stands, not only of what is opened after it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from transforms.model.activity import FIRST_TURNOVER_PER_HOUR
from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, WINDOWS_H
from transforms.model.kernels.approach import UNREACHED, Approach
from transforms.model.kernels.bars import reached_at
from transforms.model.price_grid import Floats, Ints, bucket

REACH = 1152
"""Buckets tracked to each side of the mark (a factor of 3.2); what would lie further is held at the edge."""

CLASSES, HOLDINGS, AGES = len(LEVERAGE_X), len(HALF_LIVES_H), 1 + len(WINDOWS_H)
BREADTH = 2 * REACH + 1


@dataclass(frozen=True)
class Cohort:
    """What an hour opened.

    entry [n]: buckets; coins [n]: at a weight of one; reached [n]: the farthest bucket that the mark reached in that
    hour after it was opened.
    """

    entry: Ints
    coins: Floats
    reached: Ints


@dataclass
class Population:
    """Coins standing on one side at a weight of one. s: +1 long, -1 short.

    cells [ages, classes, holdings, buckets]: by liquidation price; age 0 is all, then opened in the last 1, 7, 30 days.
    open_interest: coins, as last published; 0 before the first. standing: coins, as the books last had it.
    turnover: taker volume of a typical hour over open interest. initialised_h: the hour in which a typical crowd was seated,
    None before. cohorts: of the last 720 hours, by the end of the
    hour (hours since the epoch); hours without bars have none. moves [720, 2]: at the hour modulo 720, what the
    mark had reached at its start and the farthest bucket that it reached in it; hours without bars reached nothing.
    The bucket axis always holds REACH buckets to each side of the mark, so that sums add up in the same order whether
    the array was carried on or read back.
    """

    s: int
    mark: float
    cells: Floats
    moves: Ints
    cohorts: dict[int, Cohort] = field(default_factory=dict)
    open_interest: float = 0.0
    standing: float = 0.0
    turnover: float = FIRST_TURNOVER_PER_HOUR
    initialised_h: int | None = None
    _nearness: Approach | None = None

    @classmethod
    def empty(cls, s: int, mark: float) -> Population:
        """Nobody, with the grid centred on `mark` (USD)."""
        return cls(s, mark, np.zeros((AGES, CLASSES, HOLDINGS, BREADTH)), np.full((WINDOWS_H[-1], 2), s * UNREACHED))

    def note(self, hour_h: int, before: int, after: int) -> None:
        """Keeps the move of an hour. One that does not follow the last is no fault: what it leaves out, it left out."""
        if self._nearness and self._nearness.hour_h == hour_h - 1 and self._nearness.reaches(self.origin):
            self._nearness.carry(hour_h, before, after)
        else:
            self.moves[hour_h % len(self.moves)] = before, after
            self._nearness = None

    def approach(self, hour_h: int) -> Approach:
        """How much nearer the mark came in the windows that end with `hour_h`, the last hour noted."""
        if self._nearness is None:
            self._nearness = Approach(self.moves, self.s, hour_h, self.origin, BREADTH)
        return self._nearness

    def leave_nobody(self) -> None:
        """Nobody stands, and nobody remembers how the mark moved."""
        self.cells[:], self.moves[:], self.cohorts, self._nearness = 0.0, self.s * UNREACHED, {}, None
        self.initialised_h = None

    @property
    def origin(self) -> int:
        """Bucket of index 0."""
        return bucket(self.mark) - REACH

    def reached(self, price: float) -> int:
        """The farthest bucket that a mark of `price` (USD) reaches."""
        return reached_at(self.s, price)
