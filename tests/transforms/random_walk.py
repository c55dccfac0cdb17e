"""A random-walk market with clusters at random places, or planted ahead of or beyond the path of the price."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import numpy as np
import polars as pl

from transforms.model.price_grid import bucket, edge

FIRST = datetime(2026, 1, 5)
LENGTH = 24 * 32
AROUND = np.arange(-45, 45)
Planted = Literal["anywhere", "ahead", "beyond"]


def walk(seed: int, planted: Planted = "anywhere") -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return hours, clusters and buckets of a random walk, for `touches`.

    Volatility differs by day. Each side has a cluster of four buckets, which moves every 6 hours.
    Half of the clusters lie at random places; so do the others if `planted` is "anywhere", else just within
    ("ahead") or just beyond ("beyond") the range of the mark over the next 18 hours.
    """
    chance = np.random.default_rng(seed)
    storm = np.repeat(np.exp(chance.normal(0, 0.5, LENGTH // 24)), 24)
    path = 100 * np.exp(np.cumsum(chance.normal(0, 0.0015, (LENGTH, 12)) * storm[:, None]).reshape(LENGTH, 12))
    hours = np.datetime64(FIRST, "ms") + np.arange(LENGTH) * np.timedelta64(1, "h")
    at = np.array([bucket(mark) for mark in path[:, -1]])
    near = {"long": np.empty(LENGTH, int), "short": np.empty(LENGTH, int)}
    for i in range(0, LENGTH, 6):
        ahead, inward = path[i + 1 : i + 19], 2 if planted == "ahead" else -2
        own = {"long": at[i] - chance.integers(3, 40), "short": at[i] + chance.integers(3, 40)}
        if chance.random() < 0.5 and planted != "anywhere" and ahead.size:
            own = {"long": bucket(ahead.min()) + inward - 1, "short": bucket(ahead.max()) - inward}
        for side, inner in own.items():
            near[side][i : i + 6] = inner
    low = {"long": near["long"] - 3, "short": near["short"]}
    clusters = [_ranges(hours, np.repeat(side, LENGTH), low[side], 4) for side in low]
    every = (at[:, None] + AROUND).ravel()
    sides = np.tile(np.where(AROUND < 0, "long", "short"), LENGTH)
    marks = {"hour_utc": hours, "mark_price": path[:, -1], "lowest": path.min(axis=1), "highest": path.max(axis=1)}
    levels = _ranges(np.repeat(hours, len(AROUND)), sides, every, 1)
    return pl.DataFrame(marks).with_columns(is_stale=False), pl.concat(clusters), levels


def _ranges(hours: Any, sides: Any, low: Any, width: int) -> pl.DataFrame:
    return pl.DataFrame({"hour_utc": hours, "side": sides, "price_low": edge(low), "price_high": edge(low + width)})
