"""What the estimator assumes of the crowd: who opens what, at which leverage, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from transforms.model.price_grid import Floats

LEVERAGE_X = (100.0, 50.0, 25.0, 10.0, 5.0, 3.0, 2.0)
"""The leverage that names each class, from the nearest to the mark outward."""

LEVERAGE_EDGES_X = (150.0, 75.0, 35.0, 17.0, 7.0, 4.0, 2.5, 1.6)
"""Class i holds effective leverages from edge i+1 to edge i, uniform in log leverage."""

UNLIQUIDATABLE_X = 1.0
HALF_LIVES_H = (2.0, 10.0, 40.0, 160.0)
WINDOWS_H = (24, 168, 720)
"""Ages, in hours, of the windows of 1, 7 and 30 days."""


@dataclass(frozen=True)
class Assumptions:
    """One side's assumptions on one venue.

    opening_share [classes, holdings]: of what is opened, the share with that leverage and half-life. never_share
    [holdings]: the share that is hedged or unleveraged; with opening_share it sums to 1. position_usd [classes]: a
    typical position's notional, which decides its margin tier. open_share_of_taker: coins opened on this side for each
    coin of this side's taker volume.
    """

    version: str
    opening_share: Floats
    never_share: Floats
    position_usd: tuple[float, ...]
    open_share_of_taker: float

    @cached_property
    def by_holding(self) -> Floats:
        """Share of openings in each holding class, [holdings]."""
        return np.asarray(self.opening_share.sum(axis=0) + self.never_share)

    @cached_property
    def standing_share(self) -> Floats:
        """Share of open interest at rest, [1 + classes, holdings]; row 0 is never liquidated.

        What is opened times how long it stays (Little 1961); liquidations are left out.
        """
        stays = np.array(HALF_LIVES_H) / np.log(2)
        standing = np.vstack([self.never_share, self.opening_share]) * stays
        return np.asarray(standing / standing.sum())


PRIOR_VERSION = "prior-1"
_OPENED = (0.04, 0.07, 0.10, 0.16, 0.15, 0.12, 0.08)
_NEVER = 0.28
_HOLDING = (
    (0.80, 0.18, 0.02, 0.00),
    (0.70, 0.24, 0.05, 0.01),
    (0.55, 0.32, 0.11, 0.02),
    (0.40, 0.35, 0.20, 0.05),
    (0.15, 0.30, 0.33, 0.22),
    (0.08, 0.22, 0.35, 0.35),
    (0.05, 0.15, 0.35, 0.45),
)
_NEVER_HOLDING = (0.55, 0.15, 0.12, 0.18)
_POSITION_USD = (10e3, 25e3, 60e3, 150e3, 300e3, 500e3, 500e3)
_OPEN_SHARE_OF_TAKER = 0.5


def prior() -> Assumptions:
    """The stated prior.

    Lower leverage is held longer. At rest about 85 % of open interest is below 7x, as on the one venue whose positions
    are public (model.md). Half of a side's takers open, the other half close the opposite side.
    """
    return Assumptions(
        version=PRIOR_VERSION,
        opening_share=np.array(_OPENED)[:, None] * np.array(_HOLDING),
        never_share=_NEVER * np.array(_NEVER_HOLDING),
        position_usd=_POSITION_USD,
        open_share_of_taker=_OPEN_SHARE_OF_TAKER,
    )
