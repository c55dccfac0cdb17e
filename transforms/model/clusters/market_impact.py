"""How far trading moves the price: the square-root law, I(Q) = Y sigma sqrt(Q / ADV).

sigma is the volatility of a day, ADV the volume of an average one, Y a constant near one. The law is of large orders
that are worked through the market: Torre, BARRA Market Impact Model Handbook (1997); Almgren, Thum, Hauptmann and
Li, "Direct Estimation of Equity Market Impact", Risk 18 (2005), who find a power of 0.6; Toth et al., "Anomalous
Price Impact and the Critical Nature of Liquidity in Financial Markets", Physical Review X 1 (2011).

Y is fitted to what traded: of each hour the return against sign(F) sigma sqrt(|F| / ADV), F what takers bought less
what they sold, a regression through the origin. Hours of a day hang together, so its standard error takes whole days as
independent (Liang and Zeger, Biometrika 73, 1986) and its range is Student's, with a degree of freedom less than days.
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
"""Hours below which the volatility of a day is not said: of fewer it is off by a quarter and more."""

LEAST_DAYS = 7
"""Days with a known flow below which there is no fit: of fewer, the range is wider than the prior's."""


@dataclass(frozen=True)
class Constant:
    """Y with its range, from `low` to `high`: 95 in 100 of such ranges hold it."""

    y: float
    low: float
    high: float
    is_fitted: bool = False


PRIOR = Constant(1.0, 0.5, 2.0)
"""Where there is no fit: "of order one" (Toth et al.), which is taken to mean within a factor of two."""


@dataclass(frozen=True)
class Hour:
    """What one hour told: its day, log return of the mark, and net taker flow over ADV (None where it is not known)."""

    day: int
    log_return: float
    flow: float | None = None


@dataclass(frozen=True)
class Impact:
    """The law with its numbers: volatility of a day, of 1; average daily volume, USD."""

    constant: Constant
    daily_volatility: float
    daily_volume_usd: float

    def of(self, usd: Floats) -> Floats:
        """The relative move of the price that trading `usd` [...] makes: of 1."""
        moved = self.constant.y * self.daily_volatility * np.sqrt(usd / self.daily_volume_usd)
        return np.asarray(moved)


def daily_volatility(hours: Sequence[Hour]) -> float | None:
    """Of 1, from the returns of at least LEAST_HOURS; None of fewer, and where the price never moved."""
    squares = fsum(hour.log_return**2 for hour in hours)
    return sqrt(24 * squares / len(hours)) if len(hours) >= LEAST_HOURS and squares > 0 else None


def fit(hours: Sequence[Hour], volatility: float) -> Constant:
    """Y of the hours (in order) whose flow is known; the prior where they are too few or cannot tell it from zero."""
    known = [(h.day, _root(h.flow), h.log_return / volatility) for h in hours if h.flow is not None]
    days = [list(of) for _, of in groupby(known, key=lambda each: each[0])]
    squares = fsum(x * x for _, x, _ in known)
    if len(days) < LEAST_DAYS or squares == 0:
        return PRIOR
    y = fsum(x * r for _, x, r in known) / squares
    by_day = [fsum(x * (r - y * x) for _, x, r in day) for day in days]
    error = sqrt(len(days) / (len(days) - 1) * fsum(e * e for e in by_day)) / squares
    away = float(stdtrit(len(days) - 1, 0.975)) * error
    return Constant(y, y - away, y + away, is_fitted=True) if y - away > 0 else PRIOR


def _root(flow: float) -> float:
    return copysign(sqrt(abs(flow)), flow)
