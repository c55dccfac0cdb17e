"""The estimators by name, behind one interface: this project's own and the baselines that it has to beat."""

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
    """An estimator of one side of one contract, advanced hour by hour."""

    @property
    def mark(self) -> float:
        """Last known mark, USD."""

    def advance(self, bars: list[Bar], contract: Contract, hour_h: int) -> None:
        """Advance through the bars of the hour that ends at `hour_h` (hours since the epoch)."""

    def standing(self, assumed: Assumptions) -> tuple[Ints, Floats]:
        """Return (bucket [n], USD [ages, classes, n]): notional by liquidation price, within the map's range.

        Ages are all, then opened in the last 1, 7 and 30 days. A baseline has no parameters and ignores `assumed`. A
        baseline without memory of entries returns the same for every age.
        """


class Cohorts:
    """This project's estimator, read with the weights of a fit (`fitted`) or of the prior (`prior`)."""

    def __init__(self, s: int, price: float) -> None:
        self.crowd = Population.empty(s, price)
        self.swept: Floats = np.zeros((CLASSES, HOLDINGS))
        """Coins that the mark swept in the last hour, at a weight of one: the exposure that a fit uses."""

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
"""Constructors by name; they take a side (+1 long, -1 short) and the first price (USD)."""
