"""Other beliefs about who holds what, to read the same state with: how much of a map is assumption.

What stands is linear in the weights of the crowd and the state knows none of them (population.py), so a belief is a
table of weights. Each alternative is scaled to the prior's own sum of weight times half-life, which is what stands at
rest before the mark sweeps (Little, Oper. Res. 9, 1961): they differ in where positions stand, not in how many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, prior
from transforms.model.price_grid import Floats

LADDER_X = (100.0, 50.0, 25.0, 10.0)

PUBLIC_SHARES: Mapping[int, tuple[float, ...]] = {
    +1: (0.005, 0.015, 0.04, 0.09, 0.45, 0.27, 0.13),
    -1: (0.02, 0.08, 0.20, 0.48, 0.14, 0.06, 0.02),
}
"""By side, shares by leverage class of what stands and can be liquidated, chosen to have what was measured on the one
exchange whose positions are public: half of the longs within 22 % of their liquidation, half of the shorts within 8 %.
Of all open interest, about half of it never liquidated, some 80 % is then below 7x; measured were about 85 %."""


def public(exchange: str, s: int) -> Floats:
    """As measured on the one public exchange, the same for all; holding times by leverage are the prior's."""
    held = prior(exchange).weight
    return _scaled(held / _at_rest(held)[:, None] * np.array(PUBLIC_SHARES[s])[:, None], exchange)


def ladder(exchange: str, s: int) -> Floats:
    """The field's ladder: equal quarters of what is opened at 10, 25, 50 and 100x; the prior's holding times."""
    held = prior(exchange).weight
    rungs = np.isin(LEVERAGE_X, LADDER_X)[:, None]
    return _scaled(held / held.sum(axis=1, keepdims=True) * rungs, exchange)


ALTERNATIVES: Mapping[str, Callable[[str, int], Floats]] = {"public": public, "ladder": ladder}
"""Name to weights [classes, holdings] of an exchange and a side (+1 long, -1 short)."""


def _at_rest(weight: Floats) -> Floats:
    return np.asarray((weight * np.array(HALF_LIVES_H)).sum(axis=1))


def _scaled(weight: Floats, exchange: str) -> Floats:
    return np.asarray(weight * (_at_rest(prior(exchange).weight).sum() / _at_rest(weight).sum()))
