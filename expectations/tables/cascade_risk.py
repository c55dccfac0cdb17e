"""Contract of mart.cascade_risk."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_OUTWARD = pl.when(pl.col("side") == "long").then(-1.0).otherwise(1.0)
_TRIGGERS = pl.col("trigger_bp").is_not_null()


def _price_matches_distance(price: str, distance_bp: str) -> pl.Expr:
    expected = pl.col("mark_price") * (1 + _OUTWARD * pl.col(distance_bp) / 1e4)
    null_together = pl.col(price).is_null() == pl.col(distance_bp).is_null()
    return null_together & ((pl.col(price) - expected).abs() <= 1e-9 * pl.col("mark_price")).fill_null(True)


TABLE = Table(
    name="cascade_risk",
    layer="mart",
    kind="modelled",
    doc="Whether a liquidation cascade would be self-sustaining, all exchanges together. With Q(d) the notional "
    "within a distance d of the mean mark, R(d) = Y sigma sqrt(Q(d) / ADV) / d: the price move that the "
    "liquidations cause, divided by the move that triggers them. From R = 1 on the cascade sustains itself. "
    "Sigma (daily volatility) and ADV (average daily volume) come from the 30 full days before the row's day. Y "
    "is fitted to the taker flow of those days, or is the stated prior if fewer than seven days have it. R is "
    "evaluated at the far edges of buckets, from 10 bp on. Order books are thinner in a flush than on an average "
    "day, so R is too low there.",
    grain=("hour_utc", "side"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "side",
        "trigger_price",
        "trigger_bp",
        "exhaustion_price",
        "exhaustion_bp",
        "is_open_ended",
        "amplification",
        "largest_ratio",
        "largest_ratio_price",
        "impact_y",
        "impact_y_low",
        "impact_y_high",
        "impact_is_fitted",
        "daily_volatility",
        "daily_volume_usd",
        "mark_price",
        "is_stale",
        "parameters_version",
        "source",
    ),
    inputs=(
        Input("liquidation_levels", required=True),
        Input("position_ledger"),
        Input("price_bars", days=30, own_day=False),
    ),
    nullable=frozenset(
        {
            "trigger_price",
            "trigger_bp",
            "exhaustion_price",
            "exhaustion_bp",
            "amplification",
            "largest_ratio",
            "largest_ratio_price",
            "daily_volatility",
            "daily_volume_usd",
        }
    ),
    time_column="hour_utc",
    fresh_within_hours=0,
    checks=(
        Check(
            "trigger_matches_ratio",
            "There is a trigger exactly if the largest R is at least 1; an unknown R has none.",
            (pl.col("largest_ratio") >= 1).fill_null(False) == _TRIGGERS,
        ),
        Check(
            "exhaustion_is_beyond_the_trigger",
            "Exhaustion is at least as far from the mark as the trigger, and the amplification is the ratio of "
            "the two distances; without a trigger all are null.",
            pl.when(_TRIGGERS)
            .then(
                (pl.col("exhaustion_bp") >= pl.col("trigger_bp"))
                & ((pl.col("amplification") * pl.col("trigger_bp") / pl.col("exhaustion_bp") - 1).abs() <= 1e-9)
            )
            .otherwise(
                pl.col("exhaustion_bp").is_null() & pl.col("amplification").is_null() & ~pl.col("is_open_ended")
            ),
        ),
        Check(
            "prices_match_distances",
            "Trigger and exhaustion prices must equal the mark moved by their distances: down for longs, up for "
            "shorts.",
            _price_matches_distance("trigger_price", "trigger_bp")
            & _price_matches_distance("exhaustion_price", "exhaustion_bp"),
        ),
        Check(
            "impact_y_within_its_range",
            "`impact_y` must lie within its interval, and the interval must exclude zero; otherwise the prior applies.",
            (pl.col("impact_y_low") > 0)
            & (pl.col("impact_y_low") <= pl.col("impact_y"))
            & (pl.col("impact_y") <= pl.col("impact_y_high")),
        ),
        Check(
            "ratio_needs_volatility_and_volume",
            "R needs volatility and volume, and the largest R needs a price.",
            (pl.col("largest_ratio").is_null() == pl.col("largest_ratio_price").is_null())
            & (
                pl.col("largest_ratio").is_null()
                | (pl.col("daily_volatility").is_not_null() & pl.col("daily_volume_usd").is_not_null())
            ),
        ),
    ),
)
