"""Contract of model.calibration_exposure."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="calibration_exposure",
    former_name="mart.swept_activity",
    layer="model",
    kind="modelled",
    doc="What a fit learns from: dollars that the mark would have swept in the hour, had all activity been opened in "
    "one leverage class and holding class. Times the weights of model_parameters it is what was swept. Classes of "
    "which nothing was swept are left out.",
    grain=("hour_utc", "exchange", "instrument", "side", "position_class", "holding_class"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "exchange",
        "instrument",
        "side",
        "position_class",
        "holding_class",
        "exposure_usd",
        "source",
    ),
    time_column="hour_utc",
    built_with="liquidation_levels",
    may_be_empty=True,
    checks=(
        Check(
            "a_class_of_somebody",
            "Class 0 of the state is nobody: nothing can be swept of it.",
            pl.col("position_class") > 0,
        ),
    ),
)
