"""Contract of mart.model_parameters."""

import polars as pl

from expectations.columns import pick
from expectations.contract import Check, Table

_SET = ("version", "exchange", "side")

TABLE = Table(
    name="model_parameters",
    layer="mart",
    kind="modelled",
    doc="Every assumption of the estimator, by version, venue and side, and from when it applies. `opening_share` "
    "rows say which part of what is opened has that leverage and that half-life; leverage 1 is never "
    "liquidated.",
    grain=("version", "exchange", "side", "parameter", "leverage_x", "half_life_hours"),
    columns=pick(
        "version", "exchange", "side", "parameter", "leverage_x", "half_life_hours", "value", "basis", "valid_from_utc"
    ),
    partition=(),
    checks=(
        Check(
            "opening_shares_add_up",
            "All that is opened is opened at some leverage: the shares of a set sum to one.",
            (
                pl.when(pl.col("parameter") == "opening_share").then(pl.col("value")).otherwise(0.0).sum().over(_SET)
                - 1
            ).abs()
            < 1e-9,
        ),
    ),
)
