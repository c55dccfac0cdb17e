"""Contract of mart.liquidation_curve."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_LINE = ("coin", "hour_utc", "exchange", "side")
_POINT = ("coin", "hour_utc", "side", "distance_bp")
_ALL = pl.col("cumulative_usd").filter(pl.col("exchange") == "all").sum().over(_POINT)
_EACH = pl.col("cumulative_usd").filter(pl.col("exchange") != "all").sum().over(_POINT)

TABLE = Table(
    name="liquidation_curve",
    layer="mart",
    kind="modelled",
    doc="Cumulative modelled notional from the mark outward, per exchange (from its own mark) and added up as `all`, with "
    "the range that the truth is meant to lie in four times out of five.",
    grain=("hour_utc", "exchange", "side", "distance_bp"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "exchange",
        "side",
        "distance_bp",
        "price",
        "cumulative_usd",
        "cumulative_opened_1d_usd",
        "cumulative_opened_7d_usd",
        "cumulative_opened_30d_usd",
        "cumulative_p10_usd",
        "cumulative_p50_usd",
        "cumulative_p90_usd",
        "mark_price",
        "is_stale",
        "parameters_version",
        "source",
    ),
    inputs=(Input("liquidation_levels", required=True), Input("model_parameters")),
    time_column="hour_utc",
    fresh_within_hours=0,
    checks=(
        Check(
            "rises_outward",
            "Cumulative notional cannot fall with distance.",
            (
                pl.col("cumulative_usd")
                >= pl.col("cumulative_usd").shift(1).over(_LINE, order_by="distance_bp") * (1 - 1e-12)
            ).fill_null(True),
        ),
        Check(
            "exchanges_add_up",
            "`all` is the sum of the exchanges, once each.",
            (_ALL - _EACH).abs() <= 1e-9 * pl.max_horizontal(_ALL, pl.lit(1.0)),
        ),
        Check(
            "percentiles_in_order",
            "A range has its ends on either side of its middle.",
            (pl.col("cumulative_p10_usd") <= pl.col("cumulative_p50_usd"))
            & (pl.col("cumulative_p50_usd") <= pl.col("cumulative_p90_usd")),
        ),
        Check(
            "median_is_what_is_modelled",
            "The range is about the one number that the map has, not about another.",
            pl.col("cumulative_p50_usd") == pl.col("cumulative_usd"),
        ),
    ),
)
