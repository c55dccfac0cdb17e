"""Estimates for markets with known positions, as maps and cumulative sums, and their multiplicative errors."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np
import polars as pl

from transforms.evaluation.known_market import NAME_OF, WINDOWS, Reading
from transforms.model.bands import band
from transforms.model.price_grid import edge, middle

DISTANCES = (0.01, 0.02, 0.03, 0.05, 0.10)
FLOOR_USD = 100_000.0

SUM = ("market", "exchange", "at_ms", "window", "side", "distance")
"""Key of a sum between the mark and a distance."""


def levels(readings: Iterable[Reading]) -> pl.DataFrame:
    """Return the maps: a row per bucket with at least 1 USD, by window and side, over all leverages."""
    parts = [_levels(reading, age) for reading in readings for age in range(len(WINDOWS))]
    return pl.concat(parts) if parts else pl.DataFrame(schema=_LEVELS)


_KEY = {"estimator": pl.String, "exchange": pl.String, "at_ms": pl.Int64, "window": pl.String, "side": pl.String}
_LEVELS = pl.Schema({**_KEY, "low": pl.Float64, "high": pl.Float64, "usd": pl.Float64})
_SUMS = pl.Schema(_KEY | dict.fromkeys(("distance", "usd", "p10", "p50", "p90"), pl.Float64))


def _levels(reading: Reading, age: int) -> pl.DataFrame:
    usd = reading.usd[age].sum(axis=0)
    held = np.flatnonzero(usd >= 1.0)
    key = (reading.estimator, reading.exchange, reading.at_ms, WINDOWS[age], NAME_OF[reading.s])
    low, high = (edge(reading.buckets[held] + step) for step in (0, 1))
    return pl.DataFrame({"low": low, "high": high, "usd": usd[held]}).select(
        *(pl.lit(value, dtype).alias(name) for value, (name, dtype) in zip(key, _KEY.items(), strict=True)), pl.all()
    )


def cumulative(readings: Iterable[Reading]) -> pl.DataFrame:
    """Return cumulative USD between the mark and each distance, with the p10, p50 and p90 of the estimate."""
    rows = []
    for reading in readings:
        away = np.abs(middle(reading.buckets) / reading.mark - 1.0)
        within = (away <= np.array(DISTANCES)[:, None]).astype(np.float64)  # [distances, n]
        by_class = reading.usd[: len(WINDOWS)] @ within.T  # [windows, classes, distances]
        usd = by_class.sum(axis=1)
        bands = band(by_class.swapaxes(1, 2), reading.log_sd, reading.size_usd, reading.gap_log_sd)
        key = (reading.estimator, reading.exchange, reading.at_ms)
        for (w, window), (d, distance) in product(enumerate(WINDOWS), enumerate(DISTANCES)):
            spread = (float(each[w, d]) for each in (usd, *bands))
            rows.append((*key, window, NAME_OF[reading.s], distance, *spread))
    return pl.DataFrame(rows, schema=_SUMS, orient="row")


def true_sums(true_map: pl.DataFrame) -> pl.DataFrame:
    """Return the true cumulative USD between the mark and each distance; a bucket counts by its middle."""
    away = ((pl.col("low") * pl.col("high")).sqrt() / pl.col("mark_price") - 1.0).abs()
    return pl.concat(
        true_map.filter(away <= distance)
        .with_columns(pl.lit(distance).alias("distance"))
        .group_by(SUM)
        .agg(pl.col("usd").sum().alias("truth"))
        for distance in DISTANCES
    )


def factors(estimates: pl.DataFrame, true_map: pl.DataFrame) -> pl.DataFrame:
    """Return the estimates (`cumulative` with `market`) with the truth and the multiplicative error, `factor`.

    1 is perfect, 2 is off by two. Both amounts count as at least FLOOR_USD. A sum that the true map lacks is zero;
    instants and windows that it lacks are left out.
    """
    known = estimates
    for key in (["market", "at_ms"], ["market", "window"]):
        known = known.join(true_map.select(key).unique(), on=key, how="semi")
    both = known.join(true_sums(true_map), on=SUM, how="left")
    usd, truth = (pl.col(name).fill_null(0.0).clip(lower_bound=FLOOR_USD).log() for name in ("usd", "truth"))
    return both.with_columns(pl.col("truth").fill_null(0.0), (usd - truth).abs().exp().alias("factor"))


def medians(scored: pl.DataFrame) -> pl.DataFrame:
    """Return median factors with a column per estimator: of all sums, by distance, by side, by exchange.

    `market` is a number; if there are several, `all` pools them.
    """
    columns = scored["estimator"].unique(maintain_order=True).to_list()
    each = scored.with_columns(pl.col("market").cast(pl.String))
    if each["market"].n_unique() > 1:
        each = pl.concat([each, each.with_columns(pl.lit("all").alias("market"))])
    percent = pl.format("within {} %", (pl.col("distance") * 100).round(1).cast(pl.Int64))
    groups = (pl.lit("all sums"), percent, pl.col("side"), pl.col("exchange"))
    tables = [
        each.with_columns(group.alias("of"))
        .group_by("market", "window", "of", "estimator", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("sums"), pl.col("factor").median())
        .pivot("estimator", index=["market", "window", "of", "sums"], values="factor", maintain_order=True)
        for group in groups
    ]
    return pl.concat(table.select("market", "window", "of", "sums", *columns) for table in tables)
