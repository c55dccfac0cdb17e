"""How well numbers predicted what happened: their order, and their sizes."""

from __future__ import annotations

import numpy as np

from transforms.model.price_grid import Floats

LEAST_HOURS = 24
"""Below, one violent hour would speak for all: there is no correlation, and nothing to scale by."""

FLOOR = 0.01
"""Of the typical hour: what an hour is taken to realise though nothing was predicted. A miss costs much, not all."""


def rank_correlation(predicted: Floats, happened: Floats) -> float | None:
    """Spearman's, ties at their mean rank; None for fewer than LEAST_HOURS, and where either never changes."""
    if len(predicted) < LEAST_HOURS or min(np.ptp(predicted), np.ptp(happened)) == 0:
        return None
    from scipy.stats import spearmanr  # it takes a second to load

    return float(spearmanr(predicted, happened).statistic)


def scale(predicted: Floats, happened: Floats) -> float | None:
    """The factor that likelihood gives to `predicted` where `happened` is Poisson about it: sum over sum.

    None for fewer than LEAST_HOURS, and where nothing was predicted or nothing happened.
    """
    if len(predicted) < LEAST_HOURS or min(float(predicted.sum()), float(happened.sum())) <= 0:
        return None
    return float(happened.sum()) / float(predicted.sum())


def poisson_deviance(predicted: Floats, happened: Floats, typical: float) -> float | None:
    """Twice the log likelihood lost to numbers that had predicted all, for each unit that happened: 0 is perfect.

    No hour is predicted less than FLOOR of `typical`. None where nothing happened.
    """
    total = float(happened.sum())
    if total <= 0:
        return None
    mean = np.maximum(predicted, FLOOR * typical)
    some = happened > 0
    surprise = float((happened[some] * np.log(happened[some] / mean[some])).sum())
    return max(2 * (surprise - total + float(mean.sum())) / total, 0.0)
