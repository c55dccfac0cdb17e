"""What each estimator says stood where the mark then went, hour by hour, from tables of one contract."""

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
"""No map at all: how far the mark went against the side in the hour, in log price."""

NAMES = (*ESTIMATORS, RANGE)


@dataclass(frozen=True)
class Prediction:
    """Of one side and hour, by one estimator: dollars, or log price for RANGE."""

    side: str
    estimator: str
    hour: datetime
    amount: float


def predict(
    inputs: EstimatorInput, exchange: str, wanted: Container[datetime], applying: Callable[[int, int], Assumptions]
) -> Iterator[Prediction]:
    """Each side of each hour in `wanted`, by every estimator, all carried from the first bar on.

    An hour is predicted by the map of the hour before it: `applying(s, hour_h)` are the parameters of that one. Left
    out are hours of which the exchange said too little to know what the mark swept, and those that follow them.
    """
    if inputs.first_price is None:
        return
    makers = set(ESTIMATORS.values())  # ours is carried once, however it is read
    stated = prior(exchange)
    for s, side in SIDE_OF.items():
        carried = {make: make(s, inputs.first_price) for make in makers}
        fresh = begun = False
        for hour in inputs.hours:
            bars = hour.bars[s]
            moment = datetime.fromtimestamp(hour.hour_h * 3600, UTC).replace(tzinfo=None)
            if fresh and hour.fresh and moment in wanted:
                for name, make in ESTIMATORS.items():
                    assumed = applying(s, hour.hour_h - 1) if name == "fitted" else stated
                    yield Prediction(side, name, moment, _stood(carried[make], s, bars, assumed))
                mark = next(iter(carried.values())).mark
                yield Prediction(side, RANGE, moment, max(s * log(mark / _worst(s, bars)), 0.0))
            fresh, begun = hour.fresh, begun or bool(bars)
            if begun:
                for each in carried.values():
                    each.advance(bars, hour.contract, hour.hour_h)


def _stood(estimator: Estimator, s: int, bars: list[Bar], assumed: Assumptions) -> float:
    """Dollars in the buckets whose middle the bars reached."""
    buckets, usd = estimator.standing(assumed)
    reached = s * (middle(buckets) - _worst(s, bars)) >= 0.0
    return float(usd[0][:, reached].sum())


def _worst(s: int, bars: list[Bar]) -> float:
    return min(bar.low for bar in bars) if s > 0 else max(bar.high for bar in bars)
