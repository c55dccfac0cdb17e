"""Market impact by the square-root law: I(Q) = Y sigma sqrt(Q / ADV).

sigma is daily volatility, ADV average daily volume, Y a constant near one. The law describes large orders executed over
time: Torre, BARRA Market Impact Model Handbook (1997); Almgren, Thum, Hauptmann and
Li, "Direct Estimation of Equity Market Impact", Risk 18 (2005), who find a power of 0.6; Toth et al., "Anomalous
Price Impact and the Critical Nature of Liquidity in Financial Markets", Physical Review X 1 (2011).

Y is fitted to traded volume: a regression through the origin of hourly returns on sign(F) sigma sqrt(|F| / ADV), with F
net taker flow (buys less sells). Hours of a day are correlated, so the standard error is clustered by day (Liang and
Zeger, Biometrika 73, 1986). The interval is Student's, with one degree of freedom fewer than days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import copysign, fsum, sqrt

import numpy as np
from scipy.special import stdtrit

from transforms.model.price_grid import Floats

LEAST_HOURS = 12
"""Minimum hours for daily volatility: with fewer its error is a quarter or more."""

LEAST_DAYS = 7
"""Minimum days with known flow for a fit: with fewer the interval is wider than the prior's."""


@dataclass(frozen=True)
class Constant:
    """Y with its 95 % confidence interval, `low` to `high`."""

    y: float
    low: float
    high: float
    is_fitted: bool = False


PRIOR = Constant(1.0, 0.5, 2.0)
"""Y without a fit: "of order one" (Toth et al.), interpreted as within a factor of two."""


@dataclass(frozen=True)
class Hour:
    """The observations of one hour: day, log return of the mark, net taker flow over ADV (None where unknown)."""

    day: int
    log_return: float
    flow: float | None = None


@dataclass(frozen=True)
class Impact:
    """The square-root law with its parameters: daily volatility (fraction) and average daily volume (USD)."""

    constant: Constant
    daily_volatility: float
    daily_volume_usd: float

    def of(self, usd: Floats) -> Floats:
        """Return the relative price move from trading `usd` [...], as a fraction."""
        moved = self.constant.y * self.daily_volatility * np.sqrt(usd / self.daily_volume_usd)
        return np.asarray(moved)


def daily_volatility(hours: Sequence[Hour]) -> float | None:
    """Return daily volatility as a fraction; None with fewer than LEAST_HOURS returns or no movement."""
    squares = fsum(hour.log_return**2 for hour in hours)
    return sqrt(24 * squares / len(hours)) if len(hours) >= LEAST_HOURS and squares > 0 else None


def fit(hours: Sequence[Hour], volatility: float) -> Constant:
    """Return Y fitted to the hours (in order) with known flow; PRIOR with too few, or where Y may be zero."""
    known = [(h.day, _signed_sqrt(h.flow), h.log_return / volatility) for h in hours if h.flow is not None]
    days = [list(of) for _, of in groupby(known, key=lambda each: each[0])]
    squares = fsum(x * x for _, x, _ in known)
    if len(days) < LEAST_DAYS or squares == 0:
        return PRIOR
    y = fsum(x * r for _, x, r in known) / squares
    by_day = [fsum(x * (r - y * x) for _, x, r in day) for day in days]
    error = sqrt(len(days) / (len(days) - 1) * fsum(e * e for e in by_day)) / squares
    away = float(stdtrit(len(days) - 1, 0.975)) * error
    return Constant(y, y - away, y + away, is_fitted=True) if y - away > 0 else PRIOR


def _signed_sqrt(flow: float) -> float:
    return copysign(sqrt(abs(flow)), flow)
