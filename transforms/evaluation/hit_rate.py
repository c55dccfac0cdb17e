"""Hit rates of clusters against those of other levels at the same distance, with confidence intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.evaluation.touches import WITHIN_HOURS

WITHIN_BP = (100.0, 200.0, 500.0)
BLOCK_DAYS = 3
"""Days per bootstrap block: the longest horizon is one day, and nine in ten clusters last less than two."""

LEAST_DAYS = 5 * BLOCK_DAYS
DRAWS, SEED = 1000, 1968
_DISTANCE = (pl.col("distance_bp").log() / 0.1).floor().cast(pl.Int32).alias("distance")  # equal within 10 %
_VOLATILITY = (pl.col("move_bp").log() / 0.1).floor().cast(pl.Int32).alias("volatility")  # the same
MATCHED_ON = {
    "distance": ("side", "distance"),
    "distance and volatility": ("side", "distance", "volatility"),
    "distance and hour": ("opposite", "distance", "hour_utc"),
}
"""Attributes that a cluster shares with the levels it is compared with, besides the coin.

Clusters last longer in calm markets, where price stays away. Matched on distance alone they are therefore hit less
often, by a point or so, even if price is a random walk; matched on recent volatility too, by rather less. Levels of the
same hour share the market's future: a cluster is then compared with levels on the other side of the mark.
"""

Floats = NDArray[np.float64]


def hit_rate(levels: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each of MATCHED_ON, WITHIN_BP and WITHIN_HOURS.

    levels: the result of `touches` with `coin`. Clusters are compared with other levels that share the attributes of
    MATCHED_ON; each match is weighted by its clusters. `clusters`: number of clusters, summed over the hours;
    `reached`: share of them that the mark reached; `others_reached`: share of the matched levels; `difference`: the
    first share minus the second. `low` and `high`: its 95 % interval by a block bootstrap, which draws BLOCK_DAYS
    consecutive days of all coins together, DRAWS times, with a fixed seed.
    """
    opposite = (pl.col("side") == "long") == pl.col("is_cluster")
    placed = levels.with_columns(_DISTANCE, _VOLATILITY, opposite=opposite, day=pl.col("hour_utc").dt.date())
    return pl.DataFrame(
        [
            {"matched_on": on, "within_bp": within, "within_hours": hours} | _Counts.of(judged, bins).compare()
            for on, bins in MATCHED_ON.items()
            for within in WITHIN_BP
            for hours in WITHIN_HOURS
            for judged in [_judge(placed, within, hours)]
        ],
        orient="row",
    )


def count_days(levels: pl.DataFrame) -> int:
    """Return the number of days in `levels` with a known outcome at the longest horizon."""
    return levels.filter(pl.col(f"reached_{max(WITHIN_HOURS)}h").is_not_null())["hour_utc"].dt.date().n_unique()


def _judge(levels: pl.DataFrame, within_bp: float, hours: int) -> pl.DataFrame:
    reached = levels.filter(pl.col("distance_bp") <= within_bp).with_columns(reached=pl.col(f"reached_{hours}h"))
    return reached.drop_nulls("reached")


@dataclass(frozen=True)
class _Counts:
    """Counts by day and bin [4, days, bins]: clusters, clusters reached, other levels, other levels reached."""

    by_day: Floats

    @classmethod
    def of(cls, levels: pl.DataFrame, matched_on: Sequence[str]) -> _Counts:
        """Count `levels`, which have `day` and `reached`, by coin and the columns `matched_on`."""
        bins = ["coin", *matched_on]
        is_cluster, reached = pl.col("is_cluster"), pl.col("reached")
        counts = levels.group_by("day", *bins).agg(
            is_cluster.sum().cast(pl.Float64).alias("clusters"),
            (is_cluster & reached).sum().cast(pl.Float64).alias("clusters_reached"),
            (~is_cluster).sum().cast(pl.Float64).alias("others"),
            (~is_cluster & reached).sum().cast(pl.Float64).alias("others_reached"),
        )
        by_bin = _by_day(counts) if "hour_utc" in bins else counts.with_columns(bin=pl.struct(bins).rank("dense") - 1)
        with_clusters = by_bin.filter((pl.col("clusters").sum() > 0).over("bin")).with_columns(
            pl.col("bin", "day").rank("dense").cast(pl.Int64) - 1
        )
        by_day = np.zeros((4, with_clusters["day"].n_unique(), with_clusters["bin"].n_unique()))
        for i, name in enumerate(("clusters", "clusters_reached", "others", "others_reached")):
            by_day[i, with_clusters["day"].to_numpy(), with_clusters["bin"].to_numpy()] = with_clusters[name].to_numpy()
        return cls(by_day)

    @property
    def clusters(self) -> int:
        """The number of clusters with matched levels, summed over the hours."""
        clusters, _, others, _ = self.by_day.sum(axis=1)
        return int(clusters[others > 0].sum())

    def compare(self) -> dict[str, float | None]:
        """Return clusters, shares, their difference and its interval; null if there is nothing to compare."""
        if not self.clusters:
            return {"clusters": 0} | dict.fromkeys(("reached", "others_reached", "difference", "low", "high"))
        once = np.ones((1, self.by_day.shape[1]))
        (reached,), (others,) = self._shares(once)
        drawn = np.subtract(*self._shares(_draws(self.by_day.shape[1])))
        low, high = np.nanpercentile(drawn, [2.5, 97.5]).tolist()
        shares = {"reached": float(reached), "others_reached": float(others), "difference": float(reached - others)}
        return {"clusters": self.clusters} | shares | {"low": low, "high": high}

    def _shares(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the shares of clusters and other levels reached, by draw; weights [draws, days]: count of each day."""
        clusters, clusters_reached, others, others_reached = (weights @ each for each in self.by_day)
        matched = np.where(others > 0, clusters, 0.0)
        expected = matched * others_reached / np.maximum(others, 1.0)
        total = matched.sum(axis=1)
        total[total == 0] = np.nan  # a draw without clusters has no share
        return np.where(others > 0, clusters_reached, 0.0).sum(axis=1) / total, expected.sum(axis=1) / total


def _draws(length: int) -> Floats:
    """Return the count of each of `length` days in each draw; a block wraps around from the last day to the first."""
    rng = np.random.default_rng(SEED)
    blocks = -(-length // BLOCK_DAYS)
    starts = rng.integers(0, length, (DRAWS, blocks, 1))
    drawn = (starts + np.arange(BLOCK_DAYS)) % length
    counts = np.zeros((DRAWS, length))
    np.add.at(counts, (np.arange(DRAWS)[:, None], drawn.reshape(DRAWS, -1)[:, :length]), 1.0)
    return counts


def _by_day(counts: pl.DataFrame) -> pl.DataFrame:
    """Merge bins of single hours into one: days are drawn, and a day holds all matches of its hours."""
    matched = counts.filter((pl.col("clusters") > 0) & (pl.col("others") > 0)).sort(pl.all())
    expected = pl.col("clusters") * pl.col("others_reached") / pl.col("others")
    sums = matched.group_by("day", maintain_order=True).agg(
        pl.col("clusters", "clusters_reached").sum(),
        pl.col("clusters").sum().alias("others"),
        expected.sum().alias("others_reached"),
    )
    return sums.with_columns(bin=0)
