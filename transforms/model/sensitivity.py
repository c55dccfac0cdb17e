"""Alternative leverage assumptions for reading the same state: how much of a map depends on them.

Open positions are linear in the weights of the crowd and the state is independent of them (population.py), so an
alternative is a table of weights. Each is scaled to the prior's sum of weight times half-life, which is the amount
open at equilibrium without sweeps (Little, Oper. Res. 9, 1961). Alternatives therefore differ in where positions are,
not in how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, prior
from transforms.model.price_grid import Floats

LADDER_X = (100.0, 50.0, 25.0, 10.0)
"""Rungs of the common ladder."""

PUBLIC_SHARES: Mapping[int, tuple[float, ...]] = {
    +1: (0.005, 0.015, 0.04, 0.09, 0.45, 0.27, 0.13),
    -1: (0.02, 0.08, 0.20, 0.48, 0.14, 0.06, 0.02),
}
"""By side, shares of liquidatable notional by leverage class, matched to the one exchange with public positions.

There, half of the longs are within 22 % of their liquidation price and half of the shorts within 8 %. About half of all
open interest is never liquidated; including it, some 80 % of open interest is below 7x here, against about 85 % as
measured."""


def public(exchange: str, s: int) -> Floats:
    """Return the weights measured on the one exchange with public positions; holding times are the prior's."""
    held = prior(exchange).weight
    return _scale_to_prior(held / _equilibrium(held)[:, None] * np.array(PUBLIC_SHARES[s])[:, None], exchange)


def ladder(exchange: str, s: int) -> Floats:
    """Return the weights of the common ladder: a quarter of openings at each rung; holding times are the prior's."""
    held = prior(exchange).weight
    rungs = np.isin(LEVERAGE_X, LADDER_X)[:, None]
    return _scale_to_prior(held / held.sum(axis=1, keepdims=True) * rungs, exchange)


ALTERNATIVES: Mapping[str, Callable[[str, int], Floats]] = {"public": public, "ladder": ladder}
"""Functions by name that return weights [classes, holdings] for an exchange and a side (+1 long, -1 short)."""


def _equilibrium(weight: Floats) -> Floats:
    return np.asarray((weight * np.array(HALF_LIVES_H)).sum(axis=1))


def _scale_to_prior(weight: Floats, exchange: str) -> Floats:
    return np.asarray(weight * (_equilibrium(prior(exchange).weight).sum() / _equilibrium(weight).sum()))
