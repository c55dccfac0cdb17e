"""Alternative leverage assumptions: they differ in the places of positions, not in their total."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_EDGES_X, LEVERAGE_X, prior
from transforms.model.price_grid import Floats
from transforms.model.sensitivity import ALTERNATIVES

MAINTENANCE = 0.005


def at_rest(weight: Floats) -> Floats:
    return np.asarray((weight * np.array(HALF_LIVES_H)).sum(axis=1))


@pytest.mark.parametrize("name", ALTERNATIVES)
@pytest.mark.parametrize("s", [1, -1])
@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_alternatives_have_the_notional_of_the_prior(name: str, s: int, exchange: str) -> None:
    weight = ALTERNATIVES[name](exchange, s)
    assert weight.shape == prior(exchange).weight.shape
    assert (weight >= 0.0).all()
    assert at_rest(weight).sum() == pytest.approx(at_rest(prior(exchange).weight).sum())


@pytest.mark.parametrize(("s", "median"), [(1, 0.22), (-1, 0.08)])
def test_public_assumption_has_the_measured_median_distance(s: int, median: float) -> None:
    shares = at_rest(ALTERNATIVES["public"]("bybit", s))
    edges = np.log(np.array(LEVERAGE_EDGES_X))
    distance, stands = [], []
    for k, share in enumerate(shares):
        leverage = np.exp(np.linspace(edges[k], edges[k + 1], 200))
        distance.append(1.0 / leverage - MAINTENANCE)
        stands.append(np.full(200, share / 200))
    away, part = np.concatenate(distance), np.concatenate(stands)  # ascending, from the nearest class outward
    half = np.searchsorted(np.cumsum(part), part.sum() / 2)
    assert away[half] == pytest.approx(median, abs=0.01)


def test_ladder_opens_equal_quarters_with_prior_half_lives() -> None:
    weight, held = ALTERNATIVES["ladder"]("okx", 1), prior("okx").weight
    opened = dict(zip(LEVERAGE_X, weight.sum(axis=1), strict=True))
    assert [opened[x] for x in (100.0, 50.0, 25.0)] == pytest.approx([opened[10.0]] * 3)
    assert [opened[x] for x in (5.0, 3.0, 2.0)] == [0.0] * 3
    assert weight[1] / weight[1].sum() == pytest.approx(held[1] / held[1].sum())
