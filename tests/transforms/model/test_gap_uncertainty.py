"""Uncertainty of a map from missing hours."""

from __future__ import annotations

from itertools import pairwise
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.model.assumptions import HALF_LIVES_H, prior
from transforms.model.bands import WIDEST
from transforms.model.gap_uncertainty import BEFORE, HOLE, gap_log_sd
from transforms.model.kernels.approach import UNREACHED

NOW_H = 490_920
HOURS = 720
LONG_AGO_H = NOW_H - 10_000
WEIGHT = prior("binance").weight


def moves(*seen_ages: range, s: int = 1) -> np.ndarray:
    """Return a ring of moves in which the hours of these ages are known."""
    ring = np.full((HOURS, 2), s * UNREACHED)
    for age in (age for ages in seen_ages for age in ages):
        ring[(NOW_H - age) % HOURS] = 115_000, 115_001
    return ring


def one_half_life() -> np.ndarray:
    """Return weights with a single half-life, of 10 hours."""
    weight = np.zeros((7, len(HALF_LIVES_H)))
    weight[2, HALF_LIVES_H.index(10.0)] = 1.0
    return weight


@pytest.mark.parametrize("s", [1, -1])
def test_no_gap_has_no_uncertainty(s: int) -> None:
    assert gap_log_sd(moves(range(HOURS), s=s), NOW_H, WEIGHT, LONG_AGO_H) == 0.0


def test_no_known_hour_has_the_widest_uncertainty() -> None:
    assert gap_log_sd(moves(), NOW_H, WEIGHT, LONG_AGO_H) == WIDEST


def test_gap_of_one_half_life_affects_half_the_notional() -> None:
    assert gap_log_sd(moves(range(10, HOURS)), NOW_H, one_half_life(), LONG_AGO_H) == pytest.approx(
        HOLE * log(2), rel=1e-9
    )


def test_uncertainty_after_a_long_gap_falls_gradually() -> None:
    """After a gap that fills the rest of the window, the uncertainty falls gradually and never jumps."""
    assert gap_log_sd(moves(range(1)), NOW_H, WEIGHT, LONG_AGO_H) == WIDEST
    fading = [gap_log_sd(moves(range(n)), NOW_H, WEIGHT, LONG_AGO_H) for n in range(1, HOURS)]
    assert all(later <= earlier for earlier, later in pairwise(fading))
    assert max(earlier - later for earlier, later in pairwise(fading)) < 0.1


def test_time_before_history_counts_as_the_initial_population() -> None:
    assert gap_log_sd(moves(range(10)), NOW_H, one_half_life(), NOW_H - 9) == pytest.approx(BEFORE * 0.5**2, rel=1e-9)


@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([1, -1]))
def test_uncertainty_grows_with_gap_length_and_falls_with_age(ended: int, length: int, s: int) -> None:
    def sd(since: int, hours: int) -> float:
        return gap_log_sd(moves(range(since), range(since + hours, HOURS), s=s), NOW_H, WEIGHT, LONG_AGO_H)

    length = min(length, HOURS - 2 - ended)
    if length > 0:
        assert 0.0 < sd(ended, length) <= sd(ended, length + 1) <= WIDEST
        assert sd(ended, length) <= sd(ended - 1, length)
