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
    doc="Cumulative modelled notional from the mark outward. One curve per exchange, from its own mark, and `all`, "
    "the sum; each with a range that is meant to contain the true value with a probability of 80 %.",
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
            "Cumulative notional cannot fall as the distance grows.",
            (
                pl.col("cumulative_usd")
                >= pl.col("cumulative_usd").shift(1).over(_LINE, order_by="distance_bp") * (1 - 1e-12)
            ).fill_null(True),
        ),
        Check(
            "exchanges_add_up",
            "`all` must equal the sum of the exchanges.",
            (_ALL - _EACH).abs() <= 1e-9 * pl.max_horizontal(_ALL, pl.lit(1.0)),
        ),
        Check(
            "percentiles_in_order",
            "Percentiles must satisfy p10 <= p50 <= p90.",
            (pl.col("cumulative_p10_usd") <= pl.col("cumulative_p50_usd"))
            & (pl.col("cumulative_p50_usd") <= pl.col("cumulative_p90_usd")),
        ),
        Check(
            "median_equals_cumulative",
            "`cumulative_p50_usd` must equal `cumulative_usd`: the range belongs to the modelled value.",
            pl.col("cumulative_p50_usd") == pl.col("cumulative_usd"),
        ),
    ),
)
