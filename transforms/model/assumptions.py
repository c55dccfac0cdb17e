"""The estimator's assumptions about the crowd: how much is opened at which leverage, and how long it is held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from transforms.model.price_grid import Floats

LEVERAGE_X = (100.0, 50.0, 25.0, 10.0, 5.0, 3.0, 2.0)
"""Nominal leverage of each class, from the one liquidated nearest to the mark outward."""

LEVERAGE_EDGES_X = (150.0, 85.0, 35.0, 17.0, 7.0, 4.0, 2.5, 1.6)
"""Class i spans effective leverage from edge i+1 to edge i: ROUND_X at round values, the rest uniform in its log."""

ROUND_X: tuple[Mapping[float, float], ...] = (
    {100.0: 0.7},
    {75.0: 0.2, 50.0: 0.5},
    {25.0: 0.25, 20.0: 0.5},
    {10.0: 0.5},
    {5.0: 0.5},
    {3.0: 0.5},
    {2.0: 0.5},
)
"""Shares of each class at the round leverages that sliders and defaults offer.

The rest have an odd effective leverage, because margin was added or is shared between positions. The shares were
selected on markets with known positions."""

HALF_LIVES_H = (2.0, 10.0, 40.0, 160.0)
WINDOWS_H = (24, 168, 720)
"""Lengths, in hours, of the windows of 1, 7 and 30 days."""

POSITION_USD = (10e3, 25e3, 60e3, 150e3, 300e3, 500e3, 500e3)
"""Typical notional of a position in each class, which determines its margin tier."""

EARLY_EXIT_EXPONENT = 0.08
"""Early-exit hazard: how readily positions are closed as the mark approaches their liquidation price.

When an hour's move brings positions from a buckets away from the mark to b, the share (b/a)^EARLY_EXIT_EXPONENT
survives; at the mark itself b counts as one bucket. Liquidations alone do not identify the exponent (fit.py). On
markets with known positions, the value that reconciles liquidations with the positions before them lies between 0.04
and 0.15. On the built-in simulated exchanges, where nobody exits early, it is 0."""


@dataclass(frozen=True)
class Assumptions:
    """The assumptions for one side of one exchange.

    weight [classes, holdings]: coins opened with that leverage and half-life per coin of activity. log_sd [classes]:
    posterior standard deviation of the log notional in each class.
    """

    version: str
    weight: Floats
    log_sd: Floats


PRIOR_VERSION = "prior-4"
_WEIGHT = (
    (6.1e-4, 6.4e-4, 3.2e-4, 0.09e-4),
    (11e-4, 21e-4, 19e-4, 1.1e-4),
    (11e-4, 34e-4, 49e-4, 5.7e-4),
    (7.0e-4, 37e-4, 82e-4, 17e-4),
    (2.4e-4, 23e-4, 78e-4, 27e-4),
    (0.65e-4, 10e-4, 47e-4, 23e-4),
    (0.14e-4, 3.3e-4, 21e-4, 14e-4),
)
_EXCHANGE_RATIO: Mapping[str, tuple[float, ...]] = {
    "binance": (1.24, 0.92, 1.00, 1.08, 0.99, 0.98, 1.02),
    "bybit": (1.22, 1.33, 1.27, 0.98, 0.87, 0.90, 0.96),
    "okx": (0.66, 0.82, 0.79, 0.95, 1.17, 1.13, 1.02),
}
_LOG_SD = 0.5


def prior(exchange: str) -> Assumptions:
    """Return the prior of an exchange: lower leverage is held longer, and levels near the mark turn over fast.

    Weights are geometric means over the markets with known positions (simulated; see accuracy.md), times the exchange's
    ratio to the mean of all three. The smallest of the three has fewer highly leveraged positions. An unknown exchange
    gets the average.
    """
    scale = np.array(_EXCHANGE_RATIO.get(exchange, (1.0,) * len(LEVERAGE_X)))
    return Assumptions(PRIOR_VERSION, np.array(_WEIGHT) * scale[:, None], np.full(len(LEVERAGE_X), _LOG_SD))
