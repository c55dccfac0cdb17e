"""Clusters in a profile of notional over price buckets: where it stands out from its neighbourhood.

Detection is the cell-averaging constant false alarm rate test of Finn and Johnson (RCA Review 29, 1968): a cell is
compared with the mean of the cells around it, the nearest left out so that a wide target does not hide itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.model.price_grid import Floats

TRAINING = 20
GUARD = 2
THRESHOLD = 1.05
"""Low, as the modelled profile is smooth: at 1.3 most hours have no cluster. Intensity says how strong one is."""

LEAST_WIDTH = 2
"""Buckets: a single one is a spike of the grid, not a range."""


@dataclass(frozen=True)
class Range:
    """Buckets first … last of a profile, both included, and the densest of them."""

    first: int
    last: int
    peak: int


def detect(profile: Floats) -> list[Range]:
    """The ranges of `profile` [buckets] (USD) where each bucket exceeds THRESHOLD times the mean around it."""
    stands_out = profile > THRESHOLD * _around(profile)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], stands_out, [False]]).astype(np.int8)))
    return [
        Range(int(first), int(stop) - 1, int(first + np.argmax(profile[first:stop])))
        for first, stop in zip(edges[::2], edges[1::2], strict=True)
        if stop - first >= LEAST_WIDTH
    ]


def _around(profile: Floats) -> Floats:
    """Mean of the TRAINING buckets to each side, beyond GUARD; fewer at the ends of the profile."""
    n = len(profile)
    total = np.concatenate([[0.0], np.cumsum(profile)])
    at = np.arange(n)
    left = np.clip(at - GUARD - TRAINING, 0, n), np.clip(at - GUARD, 0, n)
    right = np.clip(at + GUARD + 1, 0, n), np.clip(at + GUARD + 1 + TRAINING, 0, n)
    cells = (left[1] - left[0]) + (right[1] - right[0])
    around = total[left[1]] - total[left[0]] + total[right[1]] - total[right[0]]
    return np.asarray(around / np.maximum(cells, 1))


def intensity(profile: Floats, found: Range) -> float:
    """The range's notional over that of as many buckets of its neighbourhood (TRAINING to each side).

    1 is no cluster.
    """
    width = found.last - found.first + 1
    left = profile[max(found.first - TRAINING, 0) : found.first]
    right = profile[found.last + 1 : found.last + 1 + TRAINING]
    around = float(left.sum() + right.sum()) / max(len(left) + len(right), 1)
    return float(profile[found.first : found.last + 1].sum()) / (around * width) if around > 0 else np.inf


def distance_bp(side: str, low: float, high: float, mark: float) -> float:
    """How far, in bp, the nearer edge of a range low … high (USD) is from `mark`; 0 where the mark is in it."""
    near = high if side == "long" else low
    return abs(near / mark - 1) * 10_000 if (near < mark) == (side == "long") else 0.0
