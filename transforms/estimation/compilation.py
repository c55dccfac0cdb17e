"""Compilation of the model ahead of its first use."""

from __future__ import annotations

from transforms.model.assumptions import WINDOWS_H, prior
from transforms.model.distance_profile import Contract
from transforms.model.estimator import HourInput, run
from transforms.model.liquidation_price import Tiers
from transforms.model.population import Population
from transforms.model.step import Bar


def compile_model() -> None:
    """Run a small market past its first window of ages, so that numba compiles every kernel that a market needs."""
    contract = Contract("binance", "linear", Tiers((1e12,), (0.004,), (0.0,), (150.0,)))
    bars = [Bar(0.5, 100.0, 101.0, 99.0, 100.0, taker_base=10.0, open_interest=1000.0)] * 2
    hours = [HourInput(hour, {+1: bars, -1: bars}, contract, fresh=True) for hour in range(WINDOWS_H[0] + 2)]
    assumed = prior(contract.exchange)
    run({s: Population.empty(s, bars[0].open) for s in (+1, -1)}, hours, lambda s, hour: assumed)
