"""Fit of the crowd's weights to realised liquidations.

What the mark sweeps in an hour is linear in the weights (step.py), so for every exchange and side

    realised ~ sum over leverage and half-life of weight * swept at a weight of one.

The log weights have a normal prior. Its mean is the stated prior (assumptions.py). Its covariance is smooth over
leverage and half-life, with a component common to all exchanges and sides and a smaller one for each of them. Exchanges
without liquidations thus borrow from the others; without any liquidations the posterior is the prior.

Liquidations do not tell how many stand, only how many stood and did not close first. The model assumes one rate of
early exits (assumptions.py); a market's own rate is one unknown factor of all realised dollars, with a lognormal prior
(survival.py). The fit is to realised dollars; `standing` then attributes its distance from the prior in part to that
factor and in part to the weights, which are read as open positions. The less is known of the level before, the more
liquidations tell of it.

The estimate is the posterior mode, found by Gauss-Newton. Its uncertainty is the curvature there (Laplace's
approximation; MacKay, Information Theory, ch. 27).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, Assumptions
from transforms.model.fitting.survival import PRIOR, Survival
from transforms.model.price_grid import Floats

Side = tuple[str, int]
"""Exchange, and +1 for longs or -1 for shorts."""

_ROUNDS, _SMALL_STEP, _LONGEST_STEP = 40, 3e-3, 1.0
_OVERDISPERSION = 1.0  # standard deviation of an hour's realised over predicted, apart from chance in sizes
_FLOOR_USD = 1e5  # standard deviation of an hour's realised where nothing is predicted
TYPICAL_SIZE_USD = 2e6
"""Size-weighted mean notional of a liquidation, E[x^2]/E[x], where single liquidations are not known."""


@dataclass(frozen=True)
class Observed:
    """Observations of one side of one exchange, by hour.

    swept [n, classes, holdings]: USD at a weight of one; realised [n]: USD; size_usd: E[x^2]/E[x] of single
    liquidations; complete: False where the feed is known to miss some, so that only its shape is fitted, not its level.
    """

    swept: Floats
    realised: Floats
    size_usd: float = TYPICAL_SIZE_USD
    complete: bool = True


@dataclass(frozen=True)
class Fitted:
    """The fitted assumptions of one side, with a summary of the fit.

    hours, realised_usd: hours observed and their liquidations; prior_usd, fitted_usd: predictions of the prior and of
    the fit for those hours; distance: root-mean-square distance between fit and prior, in prior standard deviations;
    survives: what the fit took survival to be.
    """

    assumed: Assumptions
    hours: int
    realised_usd: float
    prior_usd: float
    fitted_usd: float
    distance: float
    survives: Survival


def fit(
    version: str,
    priors: Mapping[Side, Assumptions],
    observed: Mapping[Side, Observed],
    survives: Survival = PRIOR,
) -> dict[Side, Fitted]:
    """Return the joint posterior mode of all sides.

    `priors` defines the sides; `observed` may lack some or all of them. Raises ValueError where observed dollars are
    negative or not finite.
    """
    sides = list(priors)
    for side, each in observed.items():
        amounts = (each.swept, each.realised, np.array(each.size_usd))
        if not all((np.isfinite(usd) & (usd >= 0)).all() for usd in amounts):
            raise ValueError(f"dollars of {side} include negative or non-finite values: drop those hours first")
    mean = np.stack([np.log(priors[side].weight).ravel() for side in sides])
    problem = _Problem(sides, mean, observed, survives)
    theta = problem.mode()
    standing, covariance = problem.standing(theta)
    size = theta.shape[1]
    made = {}
    for i, side in enumerate(sides):
        own = covariance[i * size : (i + 1) * size, i * size : (i + 1) * size]
        made[side] = _fitted(version, theta[i], standing[i], own, priors[side], observed.get(side), survives)
    return made


class _Problem:
    """The penalised least-squares problem in theta [sides, classes * holdings]: log weights plus log survival."""

    def __init__(
        self, sides: list[Side], weights: Floats, observed: Mapping[Side, Observed], survives: Survival
    ) -> None:
        self.weights, self.mean = weights, weights + survives.log_mean
        self.data = {i: _flat(observed[side]) for i, side in enumerate(sides) if side in observed}
        n = len(sides)
        self.covariance = np.kron(np.ones((n, n)), _covariance(_COMMON)) + np.kron(np.eye(n), _covariance(_OWN))
        self.precision = np.linalg.inv(self.covariance + survives.log_sd**2)

    def mode(self) -> Floats:
        """Find the mode by Gauss-Newton with the previous iteration's variances, halving steps that do not help."""
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

    def standing(self, theta: Floats) -> tuple[Floats, Floats]:
        """Return the log weights given the mode `theta`, and their covariance.

        Weights and survival have a joint normal prior, so that the weights are linear in their sum.
        """
        gain = self.covariance @ self.precision
        moved = (gain @ (theta - self.mean).ravel()).reshape(theta.shape)
        unknown = self.covariance - gain @ self.covariance
        return self.weights + moved, unknown + gain @ np.linalg.inv(self.curvature(theta)) @ gain.T

    def curvature(self, theta: Floats) -> Floats:
        """Return the Gauss-Newton Hessian of the loss: second derivatives of the residuals are neglected."""
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

    def completeness(self, theta: Floats) -> float:
        """Return the feed's completeness: the share of predicted dollars that it reports; 1 for a complete feed."""
        if self.complete:
            return 1.0
        return min(1.0, float(self.realised.sum()) / max(float((self.swept @ np.exp(theta)).sum()), _FLOOR_USD))

    def slope(self, theta: Floats) -> Floats:
        """Return the derivative of the predicted dollars.

        For incomplete feeds the completeness falls as the level rises, so that only the shape is fitted.
        """
        each, completeness = self.swept * np.exp(theta), self.completeness(theta)
        if completeness < 1.0:
            each -= np.outer(each.sum(axis=1), each.sum(axis=0)) / max(float(each.sum()), _FLOOR_USD)
        return np.asarray(each * completeness)

    def predicted(self, theta: Floats) -> Floats:
        return np.asarray(self.swept @ np.exp(theta) * self.completeness(theta))

    def variance(self, theta: Floats) -> Floats:
        """Return the variance of realised dollars by hour: chance in few large positions, and model error."""
        predicted = self.predicted(theta)
        return np.asarray(self.size_usd * predicted + (_OVERDISPERSION * predicted) ** 2 + _FLOOR_USD**2)


def _flat(observed: Observed) -> _Data:
    swept = observed.swept.reshape(len(observed.realised), math.prod(observed.swept.shape[1:]))
    return _Data(swept, observed.realised, max(observed.size_usd, 1.0), observed.complete)


@dataclass(frozen=True)
class _PriorScales:
    """Standard deviations of the differences between log weights and the prior.

    level: of all weights together; life: per e-fold of half-life; leverage and curve: per e-fold of leverage and per
    squared e-fold; both: per product of the two; rest: remainder, smooth over e-folds of leverage and half-life.
    """

    level: float
    life: float
    leverage: float
    curve: float
    both: float
    rest: float


_COMMON = _PriorScales(0.7, 0.2, 0.2, 0.03, 0.05, 0.12)  # how a market's crowd differs from others
_OWN = _PriorScales(0.1, 0.08, 0.12, 0.03, 0.03, 0.08)  # how an exchange's side differs from its market
_CENTRE_X, _CENTRE_H = 18.0, 40.0
_SMOOTH_X, _SMOOTH_H, _NUGGET = 1.0, 1.5, 1e-4


def _covariance(scales: _PriorScales) -> Floats:
    """Return the prior covariance of one side's log weights, [classes * holdings, classes * holdings]."""
    leverage = np.repeat(np.log(np.array(LEVERAGE_X) / _CENTRE_X), len(HALF_LIVES_H))
    life = np.tile(np.log(np.array(HALF_LIVES_H) / _CENTRE_H), len(LEVERAGE_X))
    directions = (
        (scales.level, np.ones_like(life)),
        (scales.life, life),
        (scales.leverage, leverage),
        (scales.curve, leverage**2),
        (scales.both, leverage * life),
    )
    apart = ((leverage[:, None] - leverage) / _SMOOTH_X) ** 2 + ((life[:, None] - life) / _SMOOTH_H) ** 2
    rest = scales.rest**2 * np.exp(-0.5 * apart) + _NUGGET * np.eye(len(life))
    return np.asarray(sum(sd**2 * np.outer(d, d) for sd, d in directions) + rest)


def _fitted(
    version: str,
    theta: Floats,
    standing: Floats,
    covariance: Floats,
    prior: Assumptions,
    observed: Observed | None,
    survives: Survival,
) -> Fitted:
    shape = prior.weight.shape
    away = standing - np.log(prior.weight).ravel()
    weight = prior.weight * np.exp(away).reshape(shape)  # bit-identical to the prior where nothing was observed
    steady = weight * np.array(HALF_LIVES_H)  # openings times holding time (Little 1961)
    share = steady / steady.sum(axis=1, keepdims=True)
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
        fitted_usd=float((swept * np.exp(theta).reshape(shape)).sum()),
        distance=float(np.sqrt(((away / prior_sd) ** 2).mean())),
        survives=survives,
    )
