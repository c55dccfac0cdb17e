"""How far a map may be off for the hours that it has not seen: before its history, and holes in it.

Measured on the markets of known positions, where the same map was made with and without hours: the root mean square
of the log of their ratio is about HOLE times -log(1 - the share of what stands that would have been opened in a hole),
more within 2 % of the mark while it lasts, and a third of it a day later; and BEFORE times the square of the share
that would have been opened before history, for which the crowd that is seated stands in. A hole makes the map too low.
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
    """Standard deviation of the log of what stands after `hour_h`, for that alone; 0 where every hour was seen.

    moves [hours, 2] and initialised_h: see Population; weight [classes, holdings]: see Assumptions.
    """
    hours = len(moves)
    seen = np.abs(moves[(hour_h - np.arange(hours)) % hours, 0]) != UNREACHED
    if seen.all():
        return 0.0
    if initialised_h is None:
        return WIDEST
    share = _shares(weight.sum(axis=0).tobytes(), hours)
    first = min(hour_h - initialised_h + 1, hours)  # what is older than the seat is of before
    hole = float(share[:first][~seen[:first]].sum())
    before = float(share[first:].sum())
    return min(hypot(HOLE * -log1p(-hole), BEFORE * before**2), WIDEST) if hole < 1.0 else WIDEST


@lru_cache
def _shares(weight: bytes, hours: int) -> Floats:
    """By age in hours, the share of what stands that was opened then, were activity alike in every hour [hours]."""
    standing = np.exp(-np.arange(hours)[:, None] * _RATES) @ np.frombuffer(weight)
    return np.asarray(standing / standing.sum())
