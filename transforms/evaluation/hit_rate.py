"""How often clusters are reached, against levels as far away that are none, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.evaluation.touches import WITHIN_HOURS

WITHIN_BP = (100.0, 200.0, 500.0)
BLOCK_DAYS = 3
"""Days drawn together: the longest time looked ahead is one, and nine in ten clusters live for less than two."""

LEAST_DAYS = 5 * BLOCK_DAYS
DRAWS, SEED = 1000, 1968
_DISTANCE = (pl.col("distance_bp").log() / 0.1).floor().cast(pl.Int32).alias("distance")  # equal within 10 %
_VOLATILITY = (pl.col("move_bp").log() / 0.1).floor().cast(pl.Int32).alias("volatility")  # the same
MATCHED_ON = {
    "distance": ("side", "distance"),
    "distance and volatility": ("side", "distance", "volatility"),
    "distance and hour": ("opposite", "distance", "hour_utc"),
}
"""What is equal of a cluster and the levels that it is compared with, beside the coin.

Clusters stand longer where price stays away, which is where it moves little: matched on distance they are reached less
often even where price goes by chance, by a point or so; by rather less with recent volatility. What is of one hour has
the same market ahead: there the levels are those on the other side of the mark.
"""

Floats = NDArray[np.float64]


def hit_rate(levels: pl.DataFrame) -> pl.DataFrame:
    """A row for each of MATCHED_ON, WITHIN_BP and WITHIN_HOURS.

    levels: as `touches` gives them, with `coin`. Clusters are compared with the levels that are none where what
    is matched on is equal; a match counts as it holds clusters. `clusters` is how many there are, over the hours;
    `reached` the share of them that the mark came to, `others_reached` that of the others matched with them,
    `difference` what it is more. `low` and `high` are its 95 % interval by a block bootstrap: BLOCK_DAYS in a row, of
    all coins together, DRAWS times, from a seed that is fixed.
    """
    opposite = (pl.col("side") == "long") == pl.col("is_cluster")
    placed = levels.with_columns(_DISTANCE, _VOLATILITY, opposite=opposite, day=pl.col("hour_utc").dt.date())
    return pl.DataFrame(
        [
            {"matched_on": on, "within_bp": within, "within_hours": hours} | _Counts.of(judged, bins).compared()
            for on, bins in MATCHED_ON.items()
            for within in WITHIN_BP
            for hours in WITHIN_HOURS
            for judged in [_judged(placed, within, hours)]
        ],
        orient="row",
    )


def days(levels: pl.DataFrame) -> int:
    """How many days `levels` speak of, whose whole time ahead is known."""
    return levels.filter(pl.col(f"reached_{max(WITHIN_HOURS)}h").is_not_null())["hour_utc"].dt.date().n_unique()


def _judged(levels: pl.DataFrame, within_bp: float, hours: int) -> pl.DataFrame:
    reached = levels.filter(pl.col("distance_bp") <= within_bp).with_columns(reached=pl.col(f"reached_{hours}h"))
    return reached.drop_nulls("reached")


@dataclass(frozen=True)
class _Counts:
    """By day and bin: clusters, those reached, others, those reached. Shape [4, days, bins]."""

    by_day: Floats

    @classmethod
    def of(cls, levels: pl.DataFrame, matched_on: Sequence[str]) -> _Counts:
        """Of `levels`, with `day` and `reached`, by coin and the columns `matched_on`."""
        bins = ["coin", *matched_on]
        is_cluster, reached = pl.col("is_cluster"), pl.col("reached")
        counts = levels.group_by("day", *bins).agg(
            is_cluster.sum().cast(pl.Float64).alias("found"),
            (is_cluster & reached).sum().cast(pl.Float64).alias("found_reached"),
            (~is_cluster).sum().cast(pl.Float64).alias("others"),
            (~is_cluster & reached).sum().cast(pl.Float64).alias("others_reached"),
        )
        by_bin = _by_day(counts) if "hour_utc" in bins else counts.with_columns(bin=pl.struct(bins).rank("dense") - 1)
        kept = by_bin.filter((pl.col("found").sum() > 0).over("bin")).with_columns(
            pl.col("bin", "day").rank("dense").cast(pl.Int64) - 1
        )
        by_day = np.zeros((4, kept["day"].n_unique(), kept["bin"].n_unique()))
        for i, name in enumerate(("found", "found_reached", "others", "others_reached")):
            by_day[i, kept["day"].to_numpy(), kept["bin"].to_numpy()] = kept[name].to_numpy()
        return cls(by_day)

    @property
    def clusters(self) -> int:
        """How many there are, over the hours, of which others are as far away."""
        found, _, others, _ = self.by_day.sum(axis=1)
        return int(found[others > 0].sum())

    def compared(self) -> dict[str, float | None]:
        """Clusters, shares, their difference and its interval; null where there is nothing to compare."""
        if not self.clusters:
            return {"clusters": 0} | dict.fromkeys(("reached", "others_reached", "difference", "low", "high"))
        once = np.ones((1, self.by_day.shape[1]))
        (reached,), (others,) = self._shares(once)
        drawn = np.subtract(*self._shares(_draws(self.by_day.shape[1])))
        low, high = np.nanpercentile(drawn, [2.5, 97.5]).tolist()
        shares = {"reached": float(reached), "others_reached": float(others), "difference": float(reached - others)}
        return {"clusters": self.clusters} | shares | {"low": low, "high": high}

    def _shares(self, weights: Floats) -> tuple[Floats, Floats]:
        """Share reached of clusters and of others, by draw; weights [draws, days] are how often a day counts."""
        found, found_reached, others, others_reached = (weights @ each for each in self.by_day)
        matched = np.where(others > 0, found, 0.0)
        expected = matched * others_reached / np.maximum(others, 1.0)
        total = matched.sum(axis=1)
        total[total == 0] = np.nan  # a draw without a cluster says nothing
        return np.where(others > 0, found_reached, 0.0).sum(axis=1) / total, expected.sum(axis=1) / total


def _draws(length: int) -> Floats:
    """How often each of `length` days counts in each draw; after the last day a block goes on with the first."""
    chance = np.random.default_rng(SEED)
    blocks = -(-length // BLOCK_DAYS)
    starts = chance.integers(0, length, (DRAWS, blocks, 1))
    drawn = (starts + np.arange(BLOCK_DAYS)) % length
    counts = np.zeros((DRAWS, length))
    np.add.at(counts, (np.arange(DRAWS)[:, None], drawn.reshape(DRAWS, -1)[:, :length]), 1.0)
    return counts


def _by_day(counts: pl.DataFrame) -> pl.DataFrame:
    """Bins of single hours as one bin: what is drawn are days, and each has its hours' matches whole."""
    matched = counts.filter((pl.col("found") > 0) & (pl.col("others") > 0)).sort(pl.all())
    expected = pl.col("found") * pl.col("others_reached") / pl.col("others")
    sums = matched.group_by("day", maintain_order=True).agg(
        pl.col("found", "found_reached").sum(),
        pl.col("found").sum().alias("others"),
        expected.sum().alias("others_reached"),
    )
    return sums.with_columns(bin=0)
