"""Cluster detection: the bounds of ranges, independent of unit and direction."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.model.clusters.detection import GUARD, LEAST_WIDTH, THRESHOLD, TRAINING, Range, detect, intensity

# integers, so that sums are exact in any order
whole = st.lists(st.integers(0, 1000), min_size=1, max_size=80).map(lambda v: np.array(v, dtype=np.float64))


def hill(width: int, height: float = 500.0, at: int = 30, size: int = 60) -> np.ndarray:
    profile = np.full(size, 100.0)
    profile[at : at + width] = height
    return profile


def test_hill_is_found() -> None:
    profile = hill(3)
    profile[31] = 700
    assert detect(profile) == [Range(30, 32, 31)]
    assert intensity(profile, Range(30, 32, 31)) == pytest.approx((500 + 700 + 500) / 3 / 100)


def test_guard_buckets_keep_a_wide_hill_detectable() -> None:
    assert detect(hill(2 * GUARD + 1)) == [Range(30, 30 + 2 * GUARD, 30)]


def test_slope_is_a_cluster_only_at_its_upper_end() -> None:
    """At the end of the profile a bucket has neighbours on one side only; elsewhere a slope is no cluster."""
    slope = np.linspace(100, 400, 150)
    assert all(r.first > len(slope) - 1 - GUARD - TRAINING for r in detect(slope))


@pytest.mark.parametrize("profile", [np.zeros(0), np.zeros(50), np.full(50, 7.0), hill(1)])
def test_flat_profile_has_no_clusters(profile: np.ndarray) -> None:
    assert detect(profile) == []


def test_two_hills_are_two_ranges() -> None:
    profile = hill(2, at=10, size=90) + hill(2, at=70, size=90) - 100
    assert [(r.first, r.last) for r in detect(profile)] == [(10, 11), (70, 71)]


def test_intensity_without_neighbourhood_is_infinite() -> None:
    assert intensity(np.array([0.0, 5, 5, 0]), Range(1, 2, 1)) == np.inf


@given(profile=whole)
def test_ranges_are_separate_and_exceed_their_neighbourhood(profile: np.ndarray) -> None:
    found = detect(profile)
    for each, following in pairwise(found):
        assert each.last + 1 < following.first
    for each in found:
        assert each.last - each.first + 1 >= LEAST_WIDTH
        assert profile[each.peak] == profile[each.first : each.last + 1].max()
        for i in range(each.first, each.last + 1):
            left = profile[max(i - GUARD - TRAINING, 0) : max(i - GUARD, 0)]
            right = profile[i + GUARD + 1 : i + GUARD + 1 + TRAINING]
            around = np.concatenate([left, right])
            assert profile[i] > THRESHOLD * (around.mean() if len(around) else 0.0)


@given(profile=whole, power=st.integers(-8, 8))
def test_unit_does_not_matter(profile: np.ndarray, power: int) -> None:
    scaled = profile * 2.0**power
    assert detect(scaled) == detect(profile)
    for each in detect(profile):
        assert intensity(scaled, each) == intensity(profile, each)


@given(profile=whole)
def test_direction_does_not_matter(profile: np.ndarray) -> None:
    """Longs and shorts are mirror images. Of equal peaks the first counts, so the place of peaks may differ."""
    last = len(profile) - 1
    mirrored = [(last - r.last, last - r.first) for r in reversed(detect(profile[::-1]))]
    assert [(r.first, r.last) for r in detect(profile)] == mirrored
