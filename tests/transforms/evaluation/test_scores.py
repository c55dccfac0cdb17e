"""Scores of the order and size of predictions, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from transforms.evaluation.scores import FLOOR, LEAST_HOURS, poisson_deviance, rank_correlation, scale

UP = np.arange(float(LEAST_HOURS))
ONES = np.ones(LEAST_HOURS)


def test_rank_correlation_depends_on_order_only() -> None:
    assert rank_correlation(UP, np.exp(UP)) == pytest.approx(1.0, abs=1e-12)
    assert rank_correlation(UP, -UP) == pytest.approx(-1.0, abs=1e-12)


def test_ties_take_their_mean_rank() -> None:
    generator = np.random.default_rng(5)
    one, other = generator.integers(0, 5, 40).astype(float), generator.integers(0, 3, 40).astype(float)
    ranks = pl.DataFrame({"a": one, "b": other}).select(pl.all().rank("average"))
    assert rank_correlation(one, other) == pytest.approx(ranks.select(pl.corr("a", "b")).item(), abs=1e-12)


def test_too_few_hours_have_no_correlation_and_no_scale() -> None:
    for count in (0, LEAST_HOURS - 1):
        assert rank_correlation(UP[:count], UP[:count]) is None
        assert scale(UP[:count], UP[:count]) is None


def test_a_constant_series_has_no_correlation() -> None:
    assert rank_correlation(ONES, UP) is None
    assert rank_correlation(UP, ONES * 0) is None


def test_scale_is_a_ratio_of_sums() -> None:
    assert scale(ONES * 4, UP) == pytest.approx(UP.sum() / (4 * LEAST_HOURS))
    assert scale(ONES * 0, UP) is None
    assert scale(UP, ONES * 0) is None


def test_the_deviance_of_a_perfect_prediction_is_zero() -> None:
    assert poisson_deviance(UP, UP, typical=0.0) == 0.0
    assert poisson_deviance(UP, UP, typical=1.0) == pytest.approx(2 * FLOOR / UP.sum())


def test_deviance_equals_the_formula() -> None:
    """The deviance is twice (3 ln(3/2) - 3 + 2) + (0 - 0 + 1), divided by three dollars."""
    expected = 2 * (3 * math.log(1.5) - 1 + 1) / 3
    assert poisson_deviance(np.array([2.0, 1.0]), np.array([3.0, 0.0]), typical=10.0) == pytest.approx(expected)


def test_deviance_does_not_depend_on_the_unit() -> None:
    generator = np.random.default_rng(6)
    predicted, happened = generator.lognormal(size=30), generator.lognormal(size=30)
    of = poisson_deviance(predicted, happened, typical=1.0)
    assert poisson_deviance(predicted * 1e6, happened * 1e6, typical=1e6) == pytest.approx(of)


def test_the_cost_of_a_miss_is_finite() -> None:
    missed = poisson_deviance(np.array([0.0, 1.0]), np.array([1.0, 1.0]), typical=1.0)
    assert missed == pytest.approx(2 * (math.log(1 / FLOOR) - 2 + 1 + FLOOR) / 2)


def test_without_outcomes_there_is_no_deviance() -> None:
    assert poisson_deviance(UP, UP * 0, typical=1.0) is None
    assert poisson_deviance(UP[:0], UP[:0], typical=1.0) is None
