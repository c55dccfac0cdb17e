"""What a map says of the hours that it has not seen."""

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
    """A ring in which the hours of these ages were seen."""
    ring = np.full((HOURS, 2), s * UNREACHED)
    for age in (age for ages in seen_ages for age in ages):
        ring[(NOW_H - age) % HOURS] = 115_000, 115_001
    return ring


def one_half_life() -> np.ndarray:
    """Everybody is given up with the same half-life, of 10 hours."""
    weight = np.zeros((7, len(HALF_LIVES_H)))
    weight[2, HALF_LIVES_H.index(10.0)] = 1.0
    return weight


@pytest.mark.parametrize("s", [1, -1])
def test_nothing_unseen(s: int) -> None:
    assert gap_log_sd(moves(range(HOURS), s=s), NOW_H, WEIGHT, LONG_AGO_H) == 0.0


def test_nothing_seen() -> None:
    assert gap_log_sd(moves(), NOW_H, WEIGHT, LONG_AGO_H) == WIDEST


def test_the_last_half_life_is_half_of_what_stands() -> None:
    assert gap_log_sd(moves(range(10, HOURS)), NOW_H, one_half_life(), LONG_AGO_H) == pytest.approx(
        HOLE * log(2), rel=1e-9
    )


def test_a_hole_does_not_become_history_when_what_was_before_it_is_forgotten() -> None:
    """One hour after a hole that fills the rest of the window: seen from longer ago, nobody has been seated since."""
    assert gap_log_sd(moves(range(1)), NOW_H, WEIGHT, LONG_AGO_H) == WIDEST
    fading = [gap_log_sd(moves(range(n)), NOW_H, WEIGHT, LONG_AGO_H) for n in range(1, HOURS)]
    assert all(later <= earlier for earlier, later in pairwise(fading))
    assert max(earlier - later for earlier, later in pairwise(fading)) < 0.1


def test_before_history_the_seated_crowd_stands_in() -> None:
    assert gap_log_sd(moves(range(10)), NOW_H, one_half_life(), NOW_H - 9) == pytest.approx(BEFORE * 0.5**2, rel=1e-9)


@given(st.integers(1, 700), st.integers(1, 700), st.sampled_from([1, -1]))
def test_a_longer_hole_is_worse_and_an_older_one_better(ended: int, length: int, s: int) -> None:
    def sd(since: int, hours: int) -> float:
        return gap_log_sd(moves(range(since), range(since + hours, HOURS), s=s), NOW_H, WEIGHT, LONG_AGO_H)

    length = min(length, HOURS - 2 - ended)
    if length > 0:
        assert 0.0 < sd(ended, length) <= sd(ended, length + 1) <= WIDEST
        assert sd(ended, length) <= sd(ended - 1, length)
