"""What the estimator assumes of the crowd: who opens what, at which leverage, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from transforms.model.price_grid import Floats

LEVERAGE_X = (100.0, 50.0, 25.0, 10.0, 5.0, 3.0, 2.0)
"""The leverage that names each class, from the nearest to the mark outward."""

LEVERAGE_EDGES_X = (150.0, 75.0, 35.0, 17.0, 7.0, 4.0, 2.5, 1.6)
"""Class i holds effective leverages from edge i+1 to edge i, uniform in log leverage."""

HALF_LIVES_H = (2.0, 10.0, 40.0, 160.0)
WINDOWS_H = (24, 168, 720)
"""Ages, in hours, of the windows of 1, 7 and 30 days."""

POSITION_USD = (10e3, 25e3, 60e3, 150e3, 300e3, 500e3, 500e3)
"""A typical position's notional in each class: it decides the margin tier."""

GIVEN_UP = 0.1
"""How readily a position is given up before it is liquidated: of those that an hour's move brings from a share a of
their first distance down to a share b, (b/a)^GIVEN_UP are left; at the mark itself b is one bucket. Liquidations alone
do not tell it: on markets whose positions are known what is liquidated in violent hours fits what stood with 0.1 to
0.2, and on the built-in simulated exchanges, where nobody gives up, with 0."""


@dataclass(frozen=True)
class Assumptions:
    """One side's assumptions on one venue.

    weight [classes, holdings]: coins opened with that leverage and half-life for each coin of activity. log_sd
    [classes]: standard deviation of the log of what stands in each class, given the data.
    """

    version: str
    weight: Floats
    log_sd: Floats


PRIOR_VERSION = "prior-2"
_WEIGHT = (
    (5.1e-4, 9.6e-4, 1.8e-4, 0.01e-4),
    (8.7e-4, 30e-4, 14e-4, 0.35e-4),
    (8.1e-4, 42e-4, 33e-4, 2.0e-4),
    (7.5e-4, 76e-4, 100e-4, 12e-4),
    (2.7e-4, 55e-4, 121e-4, 24e-4),
    (0.66e-4, 22e-4, 72e-4, 20e-4),
    (0.13e-4, 6.6e-4, 31e-4, 12e-4),
)
_OF_VENUE: Mapping[str, tuple[float, ...]] = {
    "binance": (1.20, 0.86, 0.97, 1.02, 0.97, 0.96, 0.98),
    "bybit": (1.22, 1.32, 1.27, 0.98, 0.90, 0.96, 1.02),
    "okx": (0.69, 0.88, 0.81, 1.00, 1.14, 1.08, 0.99),
}
_LOG_SD = 0.5


def prior(exchange: str) -> Assumptions:
    """What is assumed where nothing was learnt: lower leverage is held longer, and the nearer layer turns over fast.

    Weights are geometric means over the markets of known positions (simulated; see the README), venues relative to
    their mean: the smallest of the three has fewer of the highly leveraged. An unknown venue is taken to be average.
    """
    scale = np.array(_OF_VENUE.get(exchange, (1.0,) * len(LEVERAGE_X)))
    return Assumptions(PRIOR_VERSION, np.array(_WEIGHT) * scale[:, None], np.full(len(LEVERAGE_X), _LOG_SD))
