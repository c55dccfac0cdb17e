"""What the estimator assumes of the crowd: who opens what, at which leverage, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from transforms.model.price_grid import Floats

LEVERAGE_X = (100.0, 50.0, 25.0, 10.0, 5.0, 3.0, 2.0)
"""The leverage that names each class, from the nearest to the mark outward."""

LEVERAGE_EDGES_X = (150.0, 85.0, 35.0, 17.0, 7.0, 4.0, 2.5, 1.6)
"""Class i holds effective leverages from edge i+1 to edge i: some at round ones, the rest uniform in log leverage."""

ROUND_X: tuple[Mapping[float, float], ...] = (
    {100.0: 0.7},
    {75.0: 0.2, 50.0: 0.5},
    {25.0: 0.25, 20.0: 0.5},
    {10.0: 0.5},
    {5.0: 0.5},
    {3.0: 0.5},
    {2.0: 0.5},
)
"""Shares of each class that stand at a round leverage, as sliders and defaults offer them; who adds margin to a
position, or shares it between several, stands at an odd one. Chosen on the markets of known positions."""

HALF_LIVES_H = (2.0, 10.0, 40.0, 160.0)
WINDOWS_H = (24, 168, 720)
"""Ages, in hours, of the windows of 1, 7 and 30 days."""

POSITION_USD = (10e3, 25e3, 60e3, 150e3, 300e3, 500e3, 500e3)
"""A typical position's notional in each class: it decides the margin tier."""

EARLY_EXIT_EXPONENT = 0.11
"""How readily a position is given up before it is liquidated: of those that an hour's move brings from a buckets away
from the mark to b, (b/a)^EARLY_EXIT_EXPONENT are left; at the mark itself b is one bucket. Liquidations alone do not tell it: on
markets whose positions are known what is liquidated fits what stood with 0.1 to 0.15, and on the built-in simulated
exchanges, where nobody gives up, with 0."""


@dataclass(frozen=True)
class Assumptions:
    """One side's assumptions on one exchange.

    weight [classes, holdings]: coins opened with that leverage and half-life for each coin of activity. log_sd
    [classes]: standard deviation of the log of what stands in each class, given the data.
    """

    version: str
    weight: Floats
    log_sd: Floats


PRIOR_VERSION = "prior-3"
_WEIGHT = (
    (6.1e-4, 6.4e-4, 3.2e-4, 0.09e-4),
    (11e-4, 21e-4, 19e-4, 1.1e-4),
    (11e-4, 34e-4, 49e-4, 5.7e-4),
    (7.0e-4, 37e-4, 82e-4, 17e-4),
    (2.4e-4, 23e-4, 78e-4, 27e-4),
    (0.65e-4, 10e-4, 47e-4, 23e-4),
    (0.14e-4, 3.3e-4, 21e-4, 14e-4),
)
_OF_EXCHANGE: Mapping[str, tuple[float, ...]] = {
    "binance": (1.24, 0.92, 1.00, 1.08, 0.99, 0.98, 1.02),
    "bybit": (1.22, 1.33, 1.27, 0.98, 0.87, 0.90, 0.96),
    "okx": (0.66, 0.82, 0.79, 0.95, 1.17, 1.13, 1.02),
}
_LOG_SD = 0.5


def prior(exchange: str) -> Assumptions:
    """What is assumed where nothing was learnt: lower leverage is held longer, and the nearer layer turns over fast.

    Weights are geometric means over the markets of known positions (simulated; see accuracy.md), exchanges relative to
    their mean: the smallest of the three has fewer of the highly leveraged. An unknown exchange is taken to be average.
    """
    scale = np.array(_OF_EXCHANGE.get(exchange, (1.0,) * len(LEVERAGE_X)))
    return Assumptions(PRIOR_VERSION, np.array(_WEIGHT) * scale[:, None], np.full(len(LEVERAGE_X), _LOG_SD))
