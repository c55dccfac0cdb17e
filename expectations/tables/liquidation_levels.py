"""Contract of mart.liquidation_levels."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

TABLE = Table(
    name="liquidation_levels",
    layer="mart",
    kind="modelled",
    doc="The liquidation map: modelled notional that would be liquidated in each 10 bp price bucket within 25 % of "
    "the mark, by exchange, side and effective leverage. In total, and of positions opened in the last 1, 7 and "
    "30 days.",
    grain=("hour_utc", "exchange", "instrument", "side", "price_bucket", "leverage_class"),
    # keeps one level's hours together: the column compresses better, and a year of one level is a short read
    file_order=("price_bucket", "side", "leverage_class", "exchange", "instrument", "hour_utc"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "exchange",
        "instrument",
        "side",
        "price_bucket",
        "leverage_class",
        "price_low",
        "price_high",
        "notional_usd",
        "notional_1d_usd",
        "notional_7d_usd",
        "notional_30d_usd",
        "mark_price",
        "is_stale",
        "gap_log_sd",
        "parameters_version",
        "source",
    ),
    inputs=(
        Input("price_bars", hours=2),
        Input("open_interest", hours=2),
        Input("margin_tiers"),
        Input("instruments"),
        Input("model_parameters"),
        Input("state_positions", days=1, own_day=False),
        Input("state_cohorts", days=1, own_day=False),
    ),
    time_column="hour_utc",
    fresh_within_hours=0,
    checks=(
        Check(
            "longs_below_shorts_above_the_mark",
            "Long levels lie below the mark, short levels above; beyond it a position would already be liquidated.",
            pl.when(pl.col("side") == "long")
            .then((pl.col("price_low") * pl.col("price_high")).sqrt() <= pl.col("mark_price"))
            .otherwise((pl.col("price_low") * pl.col("price_high")).sqrt() >= pl.col("mark_price")),
        ),
        Check(
            "bucket_matches_price",
            "`price_low` must be the edge of `price_bucket` on the fixed 10 bp grid, so that a level can be "
            "followed through time.",
            (pl.col("price_low").log() - pl.col("price_bucket") * pl.lit(1.001).log()).abs() < 1e-9,
        ),
        Check(
            "windows_nest",
            "Notional of a shorter window is part of the longer one: 1 day <= 7 days <= 30 days <= total.",
            (pl.col("notional_1d_usd") <= pl.col("notional_7d_usd") * (1 + 1e-12))
            & (pl.col("notional_7d_usd") <= pl.col("notional_30d_usd") * (1 + 1e-12))
            & (pl.col("notional_30d_usd") <= pl.col("notional_usd") * (1 + 1e-12)),
        ),
        Check(
            "not_stale_all_day",
            "Carried forward through all 24 hours of the day: the exchange was down, or its data was never collected.",
            ~pl.col("is_stale") | (pl.col("hour_utc").n_unique().over("coin", "date", "exchange", "is_stale") < 24),
            severity="WARN",
        ),
    ),
)
