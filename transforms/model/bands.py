"""How far the truth may lie from a modelled notional: its 10th, 50th and 90th percentile.

The sum is taken to be lognormal about what is modelled: sums of few unlike positive things are skewed alike (Fenton,
IRE Trans. Comm. Syst. 8, 1960). The variance of its log adds up what is independent:

    the fit     log_sd of each leverage class, weighted by its share, classes taken to err together (fit.py)
    the model   MISFIT, what no fit knows: habits that are not in the model
    the input   gap_log_sd, for hours that the map has not seen (unseen.py)
    chance      few positions of unlike size: the variance of a compound Poisson sum is E[x^2]/E[x] times its mean
                (Feller, Probability Theory I, ch. XII), so relative to it squared, E[x^2]/E[x] over the mean
"""

from __future__ import annotations

import numpy as np

from transforms.model.fit import TYPICAL_SIZE_USD
from transforms.model.price_grid import Floats

MISFIT = 0.2
CHANCE = 0.8
"""Chosen so that the range holds the truth about four times out of five on the given markets whose positions are known,
with complete feeds (0.83 there, and 0.69 on the built-in simulator's markets, whose crowds the fit misses by more).
Theory has 1 for CHANCE, with the sizes of what stands; known are those of what was liquidated, a little larger."""

WIDEST = 1.5
"""Standard deviation of the log that chance adds at most: where nearly nobody stands, the sum is no lognormal."""

_P90 = 1.2815515594457831  # the standard normal's


def band(
    by_class: Floats, log_sd: Floats, size_usd: float = TYPICAL_SIZE_USD, gap_log_sd: float = 0.0
) -> tuple[Floats, Floats, Floats]:
    """(p10, p50, p90) [...] USD of the notional by_class [..., classes], whose fit errs by log_sd [classes].

    size_usd: E[x^2]/E[x] of positions. Where nothing is modelled all three are 0: that anybody stands there is then
    taken to be less likely than one in ten.
    """
    total = by_class.sum(axis=-1)
    some = np.where(total > 0.0, total, 1.0)
    fit = (by_class * log_sd).sum(axis=-1) / some
    chance = np.minimum(CHANCE * size_usd / some, WIDEST**2)
    away = np.exp(_P90 * np.sqrt(fit**2 + MISFIT**2 + gap_log_sd**2 + chance))
    return np.asarray(total / away), np.asarray(total), np.asarray(total * away)
