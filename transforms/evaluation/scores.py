"""Scores of predictions against outcomes: by their order and by their size."""

from __future__ import annotations

import numpy as np

from transforms.model.price_grid import Floats

LEAST_HOURS = 24
"""Hours that a correlation or a scale needs: with fewer, one violent hour would dominate it."""

FLOOR = 0.01
"""Least prediction for an hour, as a share of the typical hour: it keeps the cost of a miss finite."""


def rank_correlation(predicted: Floats, happened: Floats) -> float | None:
    """Return Spearman's rank correlation, ties at their mean rank.

    None with fewer than LEAST_HOURS hours, or if either series is constant.
    """
    if len(predicted) < LEAST_HOURS or min(np.ptp(predicted), np.ptp(happened)) == 0:
        return None
    from scipy.stats import spearmanr  # loading it takes a second

    return float(spearmanr(predicted, happened).statistic)


def scale(predicted: Floats, happened: Floats) -> float | None:
    """Return the maximum-likelihood factor on `predicted` if `happened` is Poisson around it: sum over sum.

    None with fewer than LEAST_HOURS hours, or if either sum is zero.
    """
    if len(predicted) < LEAST_HOURS or min(float(predicted.sum()), float(happened.sum())) <= 0:
        return None
    return float(happened.sum()) / float(predicted.sum())


def poisson_deviance(predicted: Floats, happened: Floats, typical: float) -> float | None:
    """Return the Poisson deviance per unit of `happened`: twice the log likelihood lost to a perfect prediction.

    0 is perfect. Predictions are at least FLOOR times `typical`. None if nothing happened.
    """
    total = float(happened.sum())
    if total <= 0:
        return None
    mean = np.maximum(predicted, FLOOR * typical)
    some = happened > 0
    surprise = float((happened[some] * np.log(happened[some] / mean[some])).sum())
    return max(2 * (surprise - total + float(mean.sum())) / total, 0.0)
