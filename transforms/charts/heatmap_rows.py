"""What the heatmap shows, as rows: how many hours and prices there are to draw, columns of cells, the price's path."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

SPANS = {"12h": 12, "24h": 24, "3d": 72, "7d": 168, "30d": 720, "90d": 2160, "180d": 4320, "1y": 8760}
"""Span -> hours."""
COLUMNS, ROWS = 300, 180
STEP = 1.001
HOUR_MS = 3_600_000
_AROUND, _FAR_AROUND = 0.08, 0.13  # of the price, beyond where it was: up to a week, and over longer
_FIGURES = 3  # of an amount, on hover


@dataclass(frozen=True)
class Heat:
    """What it is drawn from, up to the last hour of `path`.

    `cells`: hour_utc, price_row, price_low, price_high, notional_usd, of a map each `step` hours. `path`: hour_utc,
    mark_price, lowest, highest, for every hour. `buckets`: of the grid, 10 bp each, to a row.
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
        """From the first hour to the end of the last map's column: a map stands for the hours after it."""
        hours = self.path["hour_utc"]
        return hours[0], hours[-1] + timedelta(hours=self.step)

    @property
    def near(self) -> pl.DataFrame:
        """The cells that are drawn."""
        low, high = reach(self.path, self.span)
        return self.cells.filter((pl.col("price_high") > low) & (pl.col("price_low") < high))


def reach(path: pl.DataFrame, span: str) -> tuple[float, float]:
    """The prices that are drawn: where the mark was, and around it."""
    around = _AROUND if SPANS[span] <= SPANS["7d"] else _FAR_AROUND
    low, high = path.select(pl.col("lowest").min(), pl.col("highest").max()).row(0)
    return float(low) * (1 - around), float(high) * (1 + around)


def step(path: pl.DataFrame) -> int:
    """Each how many hours a map is drawn, so that there are at most `COLUMNS`."""
    hours: float = (path["hour_utc"][-1] - path["hour_utc"][0]) / timedelta(hours=1) + 1
    return math.ceil(hours / COLUMNS)


def buckets_a_row(path: pl.DataFrame, span: str) -> int:
    """So many 10 bp buckets that there are at most `ROWS` rows."""
    low, high = reach(path, span)
    return max(1, math.ceil(math.log(high / low) / math.log(STEP) / ROWS))


def columns(cells: pl.DataFrame, first: int) -> pl.DataFrame:
    """A row an hour: t, r (its lowest row, counted from `first`) and usd, the amounts from there up without a gap.

    A cell each would take five times the room in a page.
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
    """The path, a point each `step` hours, counted back from the last: its mark, and the range since the one before."""
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
