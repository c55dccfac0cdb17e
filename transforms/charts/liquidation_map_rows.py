"""The liquidation map's data: bars, cumulative curves and tooltip texts."""

from __future__ import annotations

import polars as pl

from transforms.charts.amounts import amount, percent, price_text
from transforms.charts.snapshot import WINDOWS, Snapshot
from transforms.model import price_grid

WITHIN = 0.10
"""Drawn range on either side, as a fraction of the mark."""
PARTS = {"exchange": "exchange", "leverage": "leverage_class"}
"""Split of the bars -> its column in mart.liquidation_levels."""
_BUCKETS_A_BAR = 2


def parts(market: Snapshot, by: str = "exchange") -> list[str]:
    """Return the exchanges in their fixed order, or the leverage classes, highest first."""
    if by == "exchange":
        return market.exchanges
    classes = market.levels[PARTS[by]].unique().to_list()
    return sorted(classes, key=lambda name: -float(name.rstrip("x+")))


def bars(market: Snapshot, window: str = "all", by: str = "exchange") -> pl.DataFrame:
    """Return notional by 20 bp bar, part and side within `reach` of the mark; bar edges lie on the fixed grid."""
    return (
        _near(market, window, by)
        .group_by(pl.col("price_bucket") // _BUCKETS_A_BAR * _BUCKETS_A_BAR, by, "side")
        .agg(pl.col("usd").sum())
        .with_columns(
            price_low=_edge(pl.col("price_bucket")), price_high=_edge(pl.col("price_bucket") + _BUCKETS_A_BAR)
        )
        .sort("price_low", by, "side")
    )


def curves(market: Snapshot, window: str = "all", by: str = "exchange") -> pl.DataFrame:
    """Return cumulative notional from the mark outward, by part and side, at the outer edge of every grid bucket."""
    near = _near(market, window, by)
    lines = [_curve(near, side, by, part, market.mark) for side in ("long", "short") for part in parts(market, by)]
    return pl.concat(lines)


def table(market: Snapshot, window: str = "all", by: str = "exchange") -> pl.DataFrame:
    """Return the drawn bars as self-contained rows for CSV."""
    return bars(market, window, by).select(
        pl.lit(market.coin).alias("coin"),
        pl.lit(market.hour).alias("hour_utc"),
        pl.col(by).alias(PARTS[by]),
        "side",
        "price_low",
        "price_high",
        pl.col("usd").alias(WINDOWS[window]),
        pl.lit(market.mark).alias("mark_price"),
        pl.lit("modelled").alias("kind"),
        pl.lit(market.parameters_version).alias("parameters_version"),
        pl.lit(market.source).alias("source"),
    )


def _edge(bucket: pl.Expr) -> pl.Expr:
    return (bucket * price_grid.WIDTH).exp()


def reach(market: Snapshot) -> tuple[int, int]:
    """Return the first drawn bucket and the one after the last, rounded to whole bars."""
    edges = (market.mark * (1 - WITHIN), market.mark * (1 + WITHIN))
    first, last = (price_grid.bucket(edge) // _BUCKETS_A_BAR * _BUCKETS_A_BAR for edge in edges)
    return first, last + _BUCKETS_A_BAR


def _near(market: Snapshot, window: str, by: str) -> pl.DataFrame:
    first, end = reach(market)
    return market.levels.filter(pl.col("price_bucket").is_between(first, end, closed="left")).select(
        pl.col(PARTS[by]).alias(by), "side", "price_bucket", "price_low", "price_high",
        pl.col(WINDOWS[window]).alias("usd"),
    )  # fmt: skip


def _curve(near: pl.DataFrame, side: str, by: str, part: str, mark: float) -> pl.DataFrame:
    outer = "price_low" if side == "long" else "price_high"
    mine = near.filter(pl.col("side") == side)
    grid = mine.select("price_bucket", pl.col(outer).alias("price")).unique("price_bucket")
    own = mine.filter(pl.col(by) == part).group_by("price_bucket").agg(pl.col("usd").sum())
    line = (
        grid.join(own, on="price_bucket", how="left")
        .sort("price_bucket", descending=side == "long")
        .select("price", pl.col("usd").fill_null(0.0).cum_sum().alias("cumulative_usd"))
    )
    start = pl.DataFrame({"price": [mark], "cumulative_usd": [0.0]}, schema=line.schema)
    return pl.concat([start, line]).select(
        pl.lit(part).alias(by), pl.lit(f"{side}s").alias("side"), "price", "cumulative_usd"
    )


def tooltips(market: Snapshot, drawn: pl.DataFrame, by: str = "exchange") -> pl.DataFrame:
    """Return each bar's tooltip as text; `cumulative` runs from the mark to the bar's outer edge."""
    edges, names = ["price_low", "price_high"], parts(market, by)
    wide = drawn.pivot(by, index=edges, values="usd", aggregate_function="sum").sort("price_low")
    absent = [pl.lit(0.0).alias(name) for name in names if name not in wide.columns]
    middle = (pl.col("price_low") * pl.col("price_high")).sqrt()
    filled = wide.with_columns(*absent, away=middle / market.mark - 1).fill_null(0.0)
    total = filled.with_columns(total=pl.sum_horizontal(names))
    outward = (
        pl.when(pl.col("away") > 0).then(pl.col("total").cum_sum()).otherwise(pl.col("total").cum_sum(reverse=True))
    )
    summed = total.with_columns(cumulative=outward.over(pl.col("away") > 0))
    rows = [
        {
            "price_low": row["price_low"],
            "price_high": row["price_high"],
            "price": f"{price_text(row['price_low'])} - {price_text(row['price_high'])}",
            "from the mark": percent(row["away"]),
        }
        | {name: amount(row[name]) for name in (*names, "total", "cumulative")}
        for row in summed.iter_rows(named=True)
    ]
    return pl.DataFrame(rows)
