"""The estimators by name: ours, and the baselines that a map has to beat, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np

from transforms.model.assumptions import Assumptions
from transforms.model.baselines import Distance, Ladder, OpenInterest
from transforms.model.distance_profile import Contract
from transforms.model.estimator import open_notional
from transforms.model.population import CLASSES, HOLDINGS, Population
from transforms.model.price_grid import Floats, Ints
from transforms.model.step import Bar, advance


class Estimator(Protocol):
    """One side of one contract, carried hour by hour."""

    @property
    def mark(self) -> float:
        """USD, as last seen."""

    def advance(self, bars: list[Bar], contract: Contract, hour_h: int) -> None:
        """Through the bars of the hour that ends at `hour_h` (hours since the epoch)."""

    def standing(self, assumed: Assumptions) -> tuple[Ints, Floats]:
        """(bucket [n], USD [ages, classes, n]) that would be liquidated within the map's range of the mark.

        Ages are all, then opened in the last 1, 7 and 30 days. A baseline has no parameters and ignores `assumed`; one
        without a memory of entries has the same for every age.
        """


class Cohorts:
    """Ours: read with the weights of a fit (`fitted`) or of the stated prior (`prior`)."""

    def __init__(self, s: int, price: float) -> None:
        self.crowd = Population.empty(s, price)
        self.swept: Floats = np.zeros((CLASSES, HOLDINGS))
        """What the mark swept in the last hour, coins at a weight of one: what a fit learns from."""

    @property
    def mark(self) -> float:
        """See Estimator."""
        return self.crowd.mark

    def advance(self, bars: list[Bar], contract: Contract, hour_h: int) -> None:
        """See Estimator."""
        self.swept = advance(self.crowd, bars, contract, hour_h).swept
        self.crowd.standing = self.crowd.open_interest

    def standing(self, assumed: Assumptions) -> tuple[Ints, Floats]:
        """See Estimator."""
        return open_notional(self.crowd, assumed.weight)


ESTIMATORS: Mapping[str, Callable[[int, float], Estimator]] = {
    "fitted": Cohorts,
    "prior": Cohorts,
    "ladder": Ladder,
    "distance": Distance,
    "open_interest": OpenInterest,
}
"""Name to what makes one, of a side (+1 long, -1 short) and the first price (USD)."""
