"""The p10 to p90 band of a modelled sum: its centre, and the effect of class errors and chance on its width."""

from __future__ import annotations

import numpy as np
import pytest

from transforms.model.bands import CHANCE, MISFIT, WIDEST, band
from transforms.model.price_grid import Floats

LOG_SD = np.array([0.1, 0.2, 0.5])
MUCH = 1e15  # so large that chance is negligible


def sigma(by_class: Floats, log_sd: Floats = LOG_SD, size_usd: float = 2e6) -> float:
    low, middle, high = band(by_class, log_sd, size_usd)
    assert float(middle) == by_class.sum()
    assert float(low * high) == pytest.approx(float(middle) ** 2)
    return float(np.log(high / middle)) / 1.2815515594457831


def test_class_errors_add_in_proportion_to_notional() -> None:
    assert sigma(np.array([MUCH, MUCH, 2 * MUCH])) == pytest.approx(np.hypot(0.325, MISFIT), rel=1e-6)


def test_chance_falls_with_notional_and_is_bounded() -> None:
    nothing = np.zeros(3)
    crowd = np.array([50e6, 30e6, 20e6])
    assert sigma(crowd, nothing) ** 2 == pytest.approx(MISFIT**2 + CHANCE * 2e6 / 100e6)
    assert sigma(crowd, nothing, 4e6) ** 2 == pytest.approx(MISFIT**2 + CHANCE * 4e6 / 100e6)
    assert sigma(np.array([1.0, 0.0, 0.0]), nothing) == pytest.approx(np.hypot(MISFIT, WIDEST))


def test_more_notional_raises_both_ends_of_the_band() -> None:
    totals = np.geomspace(1.0, 1e12, 400)
    low, _, high = band(totals[:, None] * np.array([0.2, 0.3, 0.5]), LOG_SD)
    assert (np.diff(low) > 0).all()
    assert (np.diff(high) > 0).all()


def test_zero_has_no_band_and_shapes_are_kept() -> None:
    by_class = np.zeros((2, 4, 3))
    by_class[1, 2] = 1e6
    low, middle, high = band(by_class, LOG_SD)
    assert low.shape == middle.shape == high.shape == (2, 4)
    assert (low[0] == 0.0).all()
    assert (high[0] == 0.0).all()
    assert 0.0 < low[1, 2] < middle[1, 2] < high[1, 2]
