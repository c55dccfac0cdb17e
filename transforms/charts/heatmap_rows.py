"""The heatmap's data: its resolution in hours and prices, columns of cells, and the path of the mark."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from transforms.hourly.hours import HOUR, HOUR_MS
from transforms.model import price_grid

SPANS = {"12h": 12, "24h": 24, "3d": 72, "7d": 168, "30d": 720, "90d": 2160, "180d": 4320, "1y": 8760}
"""Span -> hours."""
COLUMNS, ROWS = 300, 180
_AROUND, _FAR_AROUND = 0.08, 0.13  # margin around the mark's range, as a fraction: spans up to a week, longer spans
_FIGURES = 3  # significant digits of amounts in tooltips


@dataclass(frozen=True)
class Heat:
    """The data of a heatmap, up to the last hour of `path`.

    cells: hour_utc, price_bucket, price_low, price_high, notional_usd, one map every `step` hours. path: hour_utc,
    mark_price, lowest, highest, for every hour. buckets: grid buckets of 10 bp per row.
    """

    coin: str
    span: str
    source: str
    parameters_version: str
    step: int
    buckets: int
    cells: pl.DataFrame
    path: pl.DataFrame

    @property
    def mark(self) -> float:
        """The last mark."""
        return float(self.path["mark_price"][-1])

    @property
    def ends(self) -> tuple[datetime, datetime]:
        """The first hour and the end of the last map's column, which extends over the hours after the map."""
        hours = self.path["hour_utc"]
        return hours[0], hours[-1] + timedelta(hours=self.step)

    @property
    def near(self) -> pl.DataFrame:
        """The cells within the drawn prices."""
        low, high = reach(self.path, self.span)
        return self.cells.filter((pl.col("price_high") > low) & (pl.col("price_low") < high))


def reach(path: pl.DataFrame, span: str) -> tuple[float, float]:
    """Return the lowest and highest drawn price: the range of the mark with a margin."""
    around = _AROUND if SPANS[span] <= SPANS["7d"] else _FAR_AROUND
    low, high = path.select(pl.col("lowest").min(), pl.col("highest").max()).row(0)
    return float(low) * (1 - around), float(high) * (1 + around)


def step(path: pl.DataFrame) -> int:
    """Return the hours between drawn maps that give at most `COLUMNS` columns."""
    hours: float = (path["hour_utc"][-1] - path["hour_utc"][0]) / HOUR + 1
    return math.ceil(hours / COLUMNS)


def buckets_a_row(path: pl.DataFrame, span: str) -> int:
    """Return the number of 10 bp buckets per row that gives at most `ROWS` rows."""
    low, high = reach(path, span)
    return max(1, math.ceil(math.log(high / low) / price_grid.WIDTH / ROWS))


def columns(cells: pl.DataFrame, first: int) -> pl.DataFrame:
    """Return a row per hour: t, r (its lowest row, relative to `first`) and usd, the list of amounts upward from there.

    A row per cell would be five times as large in the page.
    """
    grid = (
        cells.group_by("hour_utc")
        .agg(price_bucket=pl.int_range(pl.col("price_bucket").min(), pl.col("price_bucket").max() + 1, dtype=pl.Int32))
        .explode("price_bucket")
    )
    whole = grid.join(
        cells.select("hour_utc", "price_bucket", "notional_usd"), on=["hour_utc", "price_bucket"], how="left"
    )
    usd = pl.col("notional_usd").fill_null(0.0).round_sig_figs(_FIGURES).cast(pl.Int64)
    return (
        whole.sort("hour_utc", "price_bucket")
        .group_by("hour_utc", maintain_order=True)
        .agg((pl.col("price_bucket").min() - first).alias("r"), usd.alias("usd"))
        .select(pl.col("hour_utc").dt.epoch("ms").alias("t"), "r", "usd")
    )


def thinned(heat: Heat) -> pl.DataFrame:
    """Thin the path to a point every `step` hours, counted back from the last, with the mark's range in between."""
    hours = heat.path.select(pl.col("hour_utc").dt.epoch("ms").alias("t"), "mark_price", "lowest", "highest")
    back = (pl.col("t").max() - pl.col("t")) // (heat.step * HOUR_MS)
    return (
        hours.group_by(back.alias("column"))
        .agg(
            pl.col("t").max(),
            pl.col("mark_price").sort_by("t").last(),
            pl.col("lowest").min(),
            pl.col("highest").max(),
        )
        .sort("t")
        .drop("column")
    )
