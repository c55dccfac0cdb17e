"""Contract of mart.cascade_risk."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_OUTWARD = pl.when(pl.col("side") == "long").then(-1.0).otherwise(1.0)
_TRIGGERS = pl.col("trigger_bp").is_not_null()


def _stands_at(price: str, distance_bp: str) -> pl.Expr:
    told = pl.col("mark_price") * (1 + _OUTWARD * pl.col(distance_bp) / 1e4)
    both = pl.col(price).is_null() == pl.col(distance_bp).is_null()
    return both & ((pl.col(price) - told).abs() <= 1e-9 * pl.col("mark_price")).fill_null(True)


TABLE = Table(
    name="cascade_risk",
    layer="mart",
    kind="modelled",
    doc="Whether liquidations would feed themselves, exchanges added up. With Q(d) the notional that stands within a "
    "distance d of the mean of the marks, R(d) = Y sigma sqrt(Q(d) / ADV) / d: the move that they make over the move "
    "that they take. Where R is 1 or more they would. Sigma and ADV are of the 30 full days before the row's, Y is "
    "fitted to the taker flow of those days, or stated where that is known of fewer than seven. R is taken at the far "
    "edges of buckets, from 10 bp on. A flush meets thinner books than an average day's, so R errs low there.",
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
            "triggers_where_the_ratio_reaches_one",
            "A trigger without a ratio of 1 is none, and a ratio of 1 has one; what is not known triggers nothing.",
            (pl.col("largest_ratio") >= 1).fill_null(False) == _TRIGGERS,
        ),
        Check(
            "exhaustion_is_beyond_the_trigger",
            "Distances grow outward, and the amplification is theirs.",
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
            "prices_stand_at_their_distances",
            "Longs are liquidated below the mark, shorts above it, by as much as is said.",
            _stands_at("trigger_price", "trigger_bp") & _stands_at("exhaustion_price", "exhaustion_bp"),
        ),
        Check(
            "constant_within_its_range",
            "A constant that may be zero moves nothing: then the prior stands.",
            (pl.col("impact_y_low") > 0)
            & (pl.col("impact_y_low") <= pl.col("impact_y"))
            & (pl.col("impact_y") <= pl.col("impact_y_high")),
        ),
        Check(
            "what_is_not_known_has_no_ratio",
            "Without volatility or volume there is no impact, and a ratio is somewhere.",
            (pl.col("largest_ratio").is_null() == pl.col("largest_ratio_price").is_null())
            & (
                pl.col("largest_ratio").is_null()
                | (pl.col("daily_volatility").is_not_null() & pl.col("daily_volume_usd").is_not_null())
            ),
        ),
    ),
)
