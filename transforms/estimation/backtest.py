"""Backtest of one contract by hour: the notional of each estimator's map in the range that the mark then swept."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import log

from transforms.estimation.inputs import SIDE_OF, EstimatorInput
from transforms.model.assumptions import Assumptions, prior
from transforms.model.estimators import ESTIMATORS, Estimator
from transforms.model.price_grid import middle
from transforms.model.step import Bar

RANGE = "range"
"""A baseline without a map: the hour's adverse move of the mark for the side, in log price."""

NAMES = (*ESTIMATORS, RANGE)


@dataclass(frozen=True)
class Prediction:
    """The prediction of one estimator for one side and hour: `amount` in USD, or in log price for RANGE."""

    side: str
    estimator: str
    hour: datetime
    amount: float


def predict(
    inputs: EstimatorInput, exchange: str, targets: Container[datetime], applying: Callable[[int, int], Assumptions]
) -> Iterator[Prediction]:
    """Yield every estimator's prediction for each side of each hour in `targets`; all start at the first bar.

    An hour is predicted by the map of the hour before, with the parameters `applying(s, hour_h)` of that earlier hour.
    Hours that are not fresh (the range that the mark swept is uncertain) and the hours after them are left out.
    """
    if inputs.first_price is None:
        return
    constructors = set(ESTIMATORS.values())  # `fitted` and `prior` share one instance
    prior_parameters = prior(exchange)
    for s, side in SIDE_OF.items():
        estimators = {make: make(s, inputs.first_price) for make in constructors}
        fresh = started = False
        for hour in inputs.hours:
            bars = hour.bars[s]
            moment = datetime.fromtimestamp(hour.hour_h * 3600, UTC).replace(tzinfo=None)
            if fresh and hour.fresh and moment in targets:
                for name, make in ESTIMATORS.items():
                    assumed = applying(s, hour.hour_h - 1) if name == "fitted" else prior_parameters
                    yield Prediction(side, name, moment, _notional_in_range(estimators[make], s, bars, assumed))
                mark = next(iter(estimators.values())).mark
                yield Prediction(side, RANGE, moment, max(s * log(mark / _worst(s, bars)), 0.0))
            fresh, started = hour.fresh, started or bool(bars)
            if started:
                for each in estimators.values():
                    each.advance(bars, hour.contract, hour.hour_h)


def _notional_in_range(estimator: Estimator, s: int, bars: list[Bar], assumed: Assumptions) -> float:
    """Return the USD in the buckets that have their middle within the range of the bars."""
    buckets, usd = estimator.standing(assumed)
    in_range = s * (middle(buckets) - _worst(s, bars)) >= 0.0
    return float(usd[0][:, in_range].sum())


def _worst(s: int, bars: list[Bar]) -> float:
    return min(bar.low for bar in bars) if s > 0 else max(bar.high for bar in bars)
