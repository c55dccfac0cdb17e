"""Levels near the mark by hour, inside and outside clusters: their distance, and whether the mark then reached them."""

from __future__ import annotations

import polars as pl

FARTHEST_BP = 500.0
WITHIN_HOURS = (1, 4, 24)
_RECENT = 24  # hours over which volatility is measured
_LONG = pl.col("side") == "long"
_SIDE = ["hour_utc", "side"]


def touches(hours: pl.DataFrame, clusters: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    """Return a row per cluster, and per price bucket outside clusters, within FARTHEST_BP of the mark of its hour.

    hours: hour_utc, mark_price, is_stale, lowest and highest mark (null if no exchange has bars of the hour); hours may
    be missing. clusters and levels (buckets of the map): hour_utc, side, price_low, price_high. Only the `reached_`
    columns look ahead.

    Columns: hour_utc, side, is_cluster, distance_bp (of the nearer edge), move_bp (root mean square of the last 24
    hourly moves of the mark), and for each of WITHIN_HOURS `reached_<n>h`: whether a mark reached the nearer edge in
    that time; null if bars are missing in it. Stale hours are left out, and levels that the mark is in or past.
    """
    usable = _ahead(hours).filter(~pl.col("is_stale") & (pl.col("move_bp") > 0))
    clusters = clusters.select(*_SIDE, "price_low", "price_high")
    others = _in_no_cluster(levels.select(*_SIDE, "price_low", "price_high"), clusters)
    placed = pl.concat([clusters.with_columns(is_cluster=True), others.with_columns(is_cluster=False)]).join(
        usable, on="hour_utc"
    )
    near = pl.when(_LONG).then("price_high").otherwise("price_low")
    away = pl.when(_LONG).then(1 - near / pl.col("mark_price")).otherwise(near / pl.col("mark_price") - 1) * 1e4
    reached = [
        pl.when(_LONG).then(pl.col(f"lowest_{n}h") <= near).otherwise(pl.col(f"highest_{n}h") >= near)
        for n in WITHIN_HOURS
    ]
    return (
        placed.with_columns(distance_bp=away)
        .filter(pl.col("distance_bp").is_between(0, FARTHEST_BP, closed="right"))
        .select(
            *_SIDE,
            "is_cluster",
            "distance_bp",
            "move_bp",
            *(each.alias(f"reached_{n}h") for n, each in zip(WITHIN_HOURS, reached, strict=True)),
        )
        .sort(*_SIDE, "is_cluster", "distance_bp")
    )


def _ahead(hours: pl.DataFrame) -> pl.DataFrame:
    """Return each hour with the volatility up to it and the extremes of the mark in the hours after it."""
    whole = hours.sort("hour_utc").upsample("hour_utc", every="1h") if hours.height else hours
    moves = (pl.col("mark_price").log().diff() * 1e4) ** 2
    ahead = [_of_next(extreme, n).alias(f"{extreme}_{n}h") for n in WITHIN_HOURS for extreme in ("lowest", "highest")]
    return whole.with_columns(moves.rolling_mean(_RECENT, min_samples=_RECENT).sqrt().alias("move_bp"), *ahead)


def _of_next(extreme: str, n: int) -> pl.Expr:
    """Return the lowest low or highest high of the `n` hours after this one; null if one is missing."""
    backward = pl.col(extreme).reverse()
    rolled = backward.rolling_min(n, min_samples=n) if extreme == "lowest" else backward.rolling_max(n, min_samples=n)
    return rolled.reverse().shift(-1)


def _in_no_cluster(levels: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    middle = (pl.col("price_low") * pl.col("price_high")).sqrt()
    ranges = clusters.select(*_SIDE, pl.col("price_low").alias("middle"), pl.col("price_high").alias("until"))
    below = levels.with_columns(middle=middle).sort("middle").join_asof(
        ranges.sort("middle"), on="middle", by=_SIDE, strategy="backward", check_sortedness=False
    )  # fmt: skip
    return below.filter((pl.col("middle") > pl.col("until")).fill_null(True)).select(levels.columns)
