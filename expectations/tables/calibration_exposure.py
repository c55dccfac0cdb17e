"""Contract of model.calibration_exposure."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

TABLE = Table(
    name="calibration_exposure",
    former_name="mart.swept_activity",
    layer="model",
    kind="modelled",
    doc="Regressors of the calibration: notional that the mark would have swept in the hour if all activity had been "
    "opened in one leverage class and holding class. Multiplied by the weights of model.model_parameters it "
    "gives the swept notional. Classes without swept notional have no row.",
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
            "position_class_is_positive",
            "Class 0 is a placeholder without positions, so nothing of it can be swept.",
            pl.col("position_class") > 0,
        ),
    ),
)
