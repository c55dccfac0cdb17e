"""Uncertainty of a map due to missing hours: gaps in its input, and the time before its history begins.

Measured on markets with known positions by building the same map with and without hours. The root mean square of the
log of their ratio has two parts:

    gaps     about HOLE times -log(1 - share), where share is the part of open positions that would have been opened in
             the gap; more within 2 % of the mark while the gap lasts, and a third of it a day later
    before   BEFORE times the square of the share that would have been opened before the history begins, which the
             initialised crowd replaces

A gap biases the map low.
"""

from __future__ import annotations

from functools import lru_cache
from math import hypot, log1p

import numpy as np

from transforms.model.assumptions import HALF_LIVES_H
from transforms.model.bands import WIDEST
from transforms.model.kernels.approach import UNREACHED
from transforms.model.price_grid import Floats, Ints

HOLE, BEFORE = 1.5, 0.65
_RATES = np.log(2.0) / np.array(HALF_LIVES_H)


def gap_log_sd(moves: Ints, hour_h: int, weight: Floats, initialised_h: int | None) -> float:
    """Return the standard deviation of log notional after `hour_h` due to missing hours; 0 without any.

    moves [hours, 2] and initialised_h: see Population; weight [classes, holdings]: see Assumptions.
    """
    hours = len(moves)
    seen = np.abs(moves[(hour_h - np.arange(hours)) % hours, 0]) != UNREACHED
    if seen.all():
        return 0.0
    if initialised_h is None:
        return WIDEST
    share = _shares(weight.sum(axis=0).tobytes(), hours)
    first = min(hour_h - initialised_h + 1, hours)  # hours before initialisation count as before history
    hole = float(share[:first][~seen[:first]].sum())
    before = float(share[first:].sum())
    return min(hypot(HOLE * -log1p(-hole), BEFORE * before**2), WIDEST) if hole < 1.0 else WIDEST


@lru_cache
def _shares(weight: bytes, hours: int) -> Floats:
    """Return the share of open positions by age in hours [hours], for constant activity."""
    standing = np.exp(-np.arange(hours)[:, None] * _RATES) @ np.frombuffer(weight)
    return np.asarray(standing / standing.sum())
