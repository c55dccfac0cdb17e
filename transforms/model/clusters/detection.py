"""Detection of clusters: ranges of price buckets with more notional than their neighbourhood.

The test is the cell-averaging constant-false-alarm-rate (CFAR) test of Finn and Johnson (RCA Review 29, 1968): a bucket
is compared with the mean of the buckets around it, excluding the nearest so that a wide cluster does not mask itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.model.price_grid import Floats

TRAINING = 20
"""Buckets of the neighbourhood to each side."""

GUARD = 2
"""Buckets to each side that are excluded from the neighbourhood."""

THRESHOLD = 1.05
"""Ratio to the neighbourhood from which a bucket is part of a cluster.

It is low because the modelled profile is smooth: at 1.3 most hours have no cluster. Intensity measures strength."""

LEAST_WIDTH = 2
"""Minimum width in buckets: a single bucket is an artefact of the grid."""


@dataclass(frozen=True)
class Range:
    """The buckets first … last of a profile, inclusive, and the largest of them."""

    first: int
    last: int
    peak: int


def detect(profile: Floats) -> list[Range]:
    """Return the ranges of `profile` [buckets] (USD) that exceed THRESHOLD times the mean of their neighbourhood."""
    stands_out = profile > THRESHOLD * _neighbourhood_mean(profile)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], stands_out, [False]]).astype(np.int8)))
    return [
        Range(int(first), int(stop) - 1, int(first + np.argmax(profile[first:stop])))
        for first, stop in zip(edges[::2], edges[1::2], strict=True)
        if stop - first >= LEAST_WIDTH
    ]


def _neighbourhood_mean(profile: Floats) -> Floats:
    """Return the mean of the TRAINING buckets to each side beyond GUARD; fewer at the ends of the profile."""
    n = len(profile)
    total = np.concatenate([[0.0], np.cumsum(profile)])
    at = np.arange(n)
    left = np.clip(at - GUARD - TRAINING, 0, n), np.clip(at - GUARD, 0, n)
    right = np.clip(at + GUARD + 1, 0, n), np.clip(at + GUARD + 1 + TRAINING, 0, n)
    cells = (left[1] - left[0]) + (right[1] - right[0])
    around = total[left[1]] - total[left[0]] + total[right[1]] - total[right[0]]
    return np.asarray(around / np.maximum(cells, 1))


def intensity(profile: Floats, found: Range) -> float:
    """Return the range's mean notional per bucket over that of its neighbourhood (TRAINING buckets to each side).

    An intensity of 1 means no cluster.
    """
    width = found.last - found.first + 1
    left = profile[max(found.first - TRAINING, 0) : found.first]
    right = profile[found.last + 1 : found.last + 1 + TRAINING]
    around = float(left.sum() + right.sum()) / max(len(left) + len(right), 1)
    return float(profile[found.first : found.last + 1].sum()) / (around * width) if around > 0 else np.inf


def distance_bp(side: str, low: float, high: float, mark: float) -> float:
    """Return the distance in bp from `mark` to the nearer edge of low … high (USD); 0 with the mark inside."""
    near = high if side == "long" else low
    return abs(near / mark - 1) * 10_000 if (near < mark) == (side == "long") else 0.0
