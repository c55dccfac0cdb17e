"""Fitting the weights of the crowd to what was really liquidated.

What the mark sweeps in an hour is linear in the weights (hour.py), so for every exchange and side

    realised ~ sum over leverage and half-life of weight * swept at a weight of one,

and the log weights have a normal prior: the stated one as mean, smooth over leverage and half-life, the same for all
exchanges and sides but for a smaller part that is each one's own. Exchanges without liquidations so borrow from those that
have them, and where there are none at all the prior stands alone. The estimate is the mode of the posterior, found by
Gauss-Newton; its uncertainty is the curvature there (Laplace's approximation; MacKay, Information Theory, ch. 27).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, Assumptions
from transforms.model.price_grid import Floats

Side = tuple[str, int]
"""Exchange, and +1 for longs or -1 for shorts."""

_ROUNDS, _SMALL_STEP, _LONGEST_STEP = 40, 3e-3, 1.0
_OVERDISPERSION = 1.0  # standard deviation of what an hour realises over what was predicted, the chance in sizes aside
_FLOOR_USD = 1e5  # what an hour may realise that nothing predicts
TYPICAL_SIZE_USD = 2e6
"""Mean of liquidated notional weighted by itself, E[x^2]/E[x], where single liquidations are not known."""


@dataclass(frozen=True)
class Observed:
    """One side of one exchange: swept [n, classes, holdings] USD at a weight of one, and realised [n] USD, by hour.

    size_usd: E[x^2]/E[x] of single liquidations. complete: False where the feed is known to miss some; then only the
    shape of what it shows counts, not the level.
    """

    swept: Floats
    realised: Floats
    size_usd: float = TYPICAL_SIZE_USD
    complete: bool = True


@dataclass(frozen=True)
class Fitted:
    """What a side's fit found, and what moved it.

    hours and realised_usd are what it learnt from; prior_usd and fitted_usd is what either would have predicted for
    those hours; distance is that of the fit from the prior, in standard deviations of the prior, root mean square.
    """

    assumed: Assumptions
    hours: int
    realised_usd: float
    prior_usd: float
    fitted_usd: float
    distance: float


def fit(version: str, priors: Mapping[Side, Assumptions], observed: Mapping[Side, Observed]) -> dict[Side, Fitted]:
    """The posterior mode of all sides together.

    `priors` names the sides; `observed` may lack some, or all. Raises ValueError for figures that are not finite.
    """
    sides = list(priors)
    for side, each in observed.items():
        figures = (each.swept, each.realised, np.array(each.size_usd))
        if not all((np.isfinite(usd) & (usd >= 0)).all() for usd in figures):
            raise ValueError(f"dollars of {side} are not all finite, zero or more: leave such hours out")
    problem = _Problem(sides, np.stack([np.log(priors[side].weight).ravel() for side in sides]), observed)
    theta = problem.mode()
    covariance = np.asarray(np.linalg.inv(problem.curvature(theta)), np.float64)
    size = theta.shape[1]
    made = {}
    for i, side in enumerate(sides):
        own = covariance[i * size : (i + 1) * size, i * size : (i + 1) * size]
        made[side] = _fitted(version, theta[i], own, priors[side], observed.get(side))
    return made


class _Problem:
    """theta [sides, classes * holdings]: log weights."""

    def __init__(self, sides: list[Side], mean: Floats, observed: Mapping[Side, Observed]) -> None:
        self.mean = mean
        self.data = {i: _flat(observed[side]) for i, side in enumerate(sides) if side in observed}
        n = len(sides)
        covariance = np.kron(np.ones((n, n)), _covariance(_COMMON)) + np.kron(np.eye(n), _covariance(_OWN))
        self.precision = np.linalg.inv(covariance)

    def mode(self) -> Floats:
        """Gauss-Newton with the variances of the last round; a step that does not help is halved."""
        theta = self.mean.copy()
        for _ in range(_ROUNDS if self.data else 0):
            variances = {i: d.variance(theta[i]) for i, d in self.data.items()}
            step = np.linalg.solve(self.curvature(theta), self._gradient(theta, variances).ravel())
            step *= _LONGEST_STEP / max(float(np.abs(step).max()), _LONGEST_STEP)
            moved = step.reshape(theta.shape)
            before, length = self._loss(theta, variances), 1.0
            while length > 0.02 and self._loss(theta + length * moved, variances) > before:
                length /= 2
            theta = theta + length * moved
            if float(np.abs(length * moved).max()) < _SMALL_STEP:
                break
        return theta

    def curvature(self, theta: Floats) -> Floats:
        """Second derivatives of the loss, without those of the residuals."""
        made, size = self.precision.copy(), theta.shape[1]
        for i, d in self.data.items():
            slope = d.slope(theta[i])
            own = slice(i * size, (i + 1) * size)
            made[own, own] += (slope / d.variance(theta[i])[:, None]).T @ slope
        return np.asarray(made)

    def _gradient(self, theta: Floats, variances: Mapping[int, Floats]) -> Floats:
        made = -(self.precision @ (theta - self.mean).ravel()).reshape(theta.shape)
        for i, d in self.data.items():
            made[i] += d.slope(theta[i]).T @ ((d.realised - d.predicted(theta[i])) / variances[i])
        return np.asarray(made)

    def _loss(self, theta: Floats, variances: Mapping[int, Floats]) -> float:
        away = (theta - self.mean).ravel()
        made = 0.5 * float(away @ self.precision @ away)
        for i, d in self.data.items():
            made += 0.5 * float(((d.realised - d.predicted(theta[i])) ** 2 / variances[i]).sum())
        return made


@dataclass(frozen=True)
class _Data:
    swept: Floats  # [n, classes * holdings]
    realised: Floats
    size_usd: float
    complete: bool

    def seen(self, theta: Floats) -> float:
        """The part of the level that the feed shows; 1 for a complete one."""
        if self.complete:
            return 1.0
        return min(1.0, float(self.realised.sum()) / max(float((self.swept @ np.exp(theta)).sum()), _FLOOR_USD))

    def slope(self, theta: Floats) -> Floats:
        """Of what is predicted. Where not all is seen, less is as the level rises: such a feed tells of shape alone."""
        each, seen = self.swept * np.exp(theta), self.seen(theta)
        if seen < 1.0:
            each -= np.outer(each.sum(axis=1), each.sum(axis=0)) / max(float(each.sum()), _FLOOR_USD)
        return np.asarray(each * seen)

    def predicted(self, theta: Floats) -> Floats:
        return np.asarray(self.swept @ np.exp(theta) * self.seen(theta))

    def variance(self, theta: Floats) -> Floats:
        """Of what an hour realises: chance in a crowd of few large positions, and what the model does not know."""
        predicted = self.predicted(theta)
        return np.asarray(self.size_usd * predicted + (_OVERDISPERSION * predicted) ** 2 + _FLOOR_USD**2)


def _flat(observed: Observed) -> _Data:
    swept = observed.swept.reshape(len(observed.realised), math.prod(observed.swept.shape[1:]))
    return _Data(swept, observed.realised, max(observed.size_usd, 1.0), observed.complete)


@dataclass(frozen=True)
class _Habits:
    """Standard deviations of how log weights may differ from the prior.

    level: of all; life: per e-fold of half-life; leverage and curve: per e-fold of leverage and per its square; both:
    per e-fold of either together; rest: what is left, smooth over e-folds of either.
    """

    level: float
    life: float
    leverage: float
    curve: float
    both: float
    rest: float


_COMMON = _Habits(0.2, 0.2, 0.2, 0.03, 0.05, 0.12)  # how a market's crowd differs from others
_OWN = _Habits(0.1, 0.08, 0.12, 0.03, 0.03, 0.08)  # how an exchange's side differs from its market
_CENTRE_X, _CENTRE_H = 18.0, 40.0
_SMOOTH_X, _SMOOTH_H, _NUGGET = 1.0, 1.5, 1e-4


def _covariance(habits: _Habits) -> Floats:
    """Of one side's log weights, [classes * holdings, classes * holdings]."""
    leverage = np.repeat(np.log(np.array(LEVERAGE_X) / _CENTRE_X), len(HALF_LIVES_H))
    life = np.tile(np.log(np.array(HALF_LIVES_H) / _CENTRE_H), len(LEVERAGE_X))
    directions = (
        (habits.level, np.ones_like(life)),
        (habits.life, life),
        (habits.leverage, leverage),
        (habits.curve, leverage**2),
        (habits.both, leverage * life),
    )
    apart = ((leverage[:, None] - leverage) / _SMOOTH_X) ** 2 + ((life[:, None] - life) / _SMOOTH_H) ** 2
    rest = habits.rest**2 * np.exp(-0.5 * apart) + _NUGGET * np.eye(len(life))
    return np.asarray(sum(sd**2 * np.outer(d, d) for sd, d in directions) + rest)


def _fitted(version: str, theta: Floats, covariance: Floats, prior: Assumptions, observed: Observed | None) -> Fitted:
    shape = prior.weight.shape
    away = theta - np.log(prior.weight).ravel()
    weight = prior.weight * np.exp(away).reshape(shape)  # where nothing was learnt the prior's own, to the bit
    stands = weight * np.array(HALF_LIVES_H)  # what is opened times how long it stays (Little 1961)
    share = stands / stands.sum(axis=1, keepdims=True)
    blocks = covariance.reshape(*shape, *shape)
    variance = np.array([share[k] @ blocks[k, :, k, :] @ share[k] for k in range(shape[0])])
    prior_sd = np.sqrt(np.diag(_covariance(_COMMON)) + np.diag(_covariance(_OWN)))
    none = np.zeros((0, *shape))
    swept, realised = (observed.swept, observed.realised) if observed else (none, np.zeros(0))
    return Fitted(
        assumed=Assumptions(version, weight, np.sqrt(variance)),
        hours=len(realised),
        realised_usd=float(realised.sum()),
        prior_usd=float((swept * prior.weight).sum()),
        fitted_usd=float((swept * weight).sum()),
        distance=float(np.sqrt(((away / prior_sd) ** 2).mean())),
    )
