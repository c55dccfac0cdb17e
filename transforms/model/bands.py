"""Credible interval of a modelled notional: its 10th, 50th and 90th percentile.

The true notional is taken to be lognormal around the modelled one: sums of a few unequal positive amounts are
approximately lognormal (Fenton, IRE Trans. Comm. Syst. 8, 1960). The variance of its log is the sum of four
independent terms:

    the fit     log_sd of each leverage class, weighted by its share; errors of classes are taken as fully correlated
                (fit.py)
    the model   MISFIT: behaviour of traders that the model leaves out, which no fit can show
    the input   gap_log_sd: hours missing from the estimator's input (gap_uncertainty.py)
    chance      few positions of unequal size: the variance of a compound Poisson sum is E[x^2]/E[x] times its mean
                (Feller, Probability Theory I, ch. XII), so its relative variance is E[x^2]/E[x] over the mean
"""

from __future__ import annotations

import numpy as np

from transforms.model.fitting.fit import TYPICAL_SIZE_USD
from transforms.model.price_grid import Floats

MISFIT = 0.1
CHANCE = 0.8
"""Multiplier of the chance term.

MISFIT and CHANCE were selected so that the p10 to p90 interval covers the truth about four times out of five on the
given markets with known positions and complete feeds. Coverage is 0.83 there, and 0.69 on the built-in simulator's
markets, where the fit is further off. Theory gives CHANCE = 1 with the sizes of open positions; only the sizes of
liquidations are known, which are slightly larger."""

WIDEST = 1.5
"""Cap on the chance term, as standard deviation of the log: with almost no positions the sum is not lognormal."""

_P90 = 1.2815515594457831  # the standard normal's


def band(
    by_class: Floats, log_sd: Floats, size_usd: float = TYPICAL_SIZE_USD, gap_log_sd: float = 0.0
) -> tuple[Floats, Floats, Floats]:
    """Return (p10, p50, p90) [...], USD, of the notional `by_class` [..., classes] with log errors `log_sd` [classes].

    size_usd: E[x^2]/E[x] of position notional. Where the modelled notional is 0 all three are 0: the chance of any
    position there is then taken to be below one in ten.
    """
    total = by_class.sum(axis=-1)
    some = np.where(total > 0.0, total, 1.0)
    fit = (by_class * log_sd).sum(axis=-1) / some
    chance = np.minimum(CHANCE * size_usd / some, WIDEST**2)
    away = np.exp(_P90 * np.sqrt(fit**2 + MISFIT**2 + gap_log_sd**2 + chance))
    return np.asarray(total / away), np.asarray(total), np.asarray(total * away)
