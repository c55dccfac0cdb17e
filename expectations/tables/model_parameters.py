"""Contract of model.model_parameters."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_FRESHNESS = ("coin", "exchange", "instrument", "side", "hour_utc", "is_stale")
_SET = ("version", "exchange", "side")

TABLE = Table(
    name="model_parameters",
    former_name="mart.model_parameters",
    layer="model",
    kind="modelled",
    doc="Every assumption of the estimator, by version, exchange and side, and from when it applies. A fit is named for "
    "its day: made of the 45 days before it, of all coins, it applies from its midnight on. `weight`: coins "
    "opened with that leverage and half-life for each coin of activity. `log_sd`: standard deviation of the log of "
    "what stands at that leverage, given the data. Of fitted versions also what moved them: `hours` and "
    "`realised_usd` learnt from, `prior_usd` and `fitted_usd` that either would have predicted for those hours, and "
    "`distance` from the prior, in its standard deviations.",
    grain=("version", "exchange", "side", "parameter", "leverage_x", "half_life_hours"),
    columns=pick(
        "version", "exchange", "side", "parameter", "leverage_x", "half_life_hours", "value", "basis", "valid_from_utc"
    ),
    inputs=(
        Input("calibration_exposure", days=45, own_day=False),
        Input(
            "position_ledger",
            days=45,
            own_day=False,
            columns=_FRESHNESS,
        ),
        Input("realised_liquidations", days=45, own_day=False),
        Input("realised_coverage", days=45, own_day=False),
    ),
    partition=(),
    time_column="valid_from_utc",
    versions_of=("exchange", "side"),
    on_demand=True,
    checks=(
        Check(
            "weights_are_positive",
            "Somebody opens at every leverage, however few: a weight of zero could never be learnt away from.",
            (pl.col("parameter") != "weight") | (pl.col("value") > 0.0),
        ),
        Check(
            "sets_are_whole",
            "A version says how far it is to be trusted, too.",
            (pl.col("parameter") == "weight").any().over(_SET) & (pl.col("parameter") == "log_sd").any().over(_SET),
        ),
        Check(
            "one_version_begins_at_a_time",
            "An hour must find one version of a side, the same whoever looks.",
            pl.col("version").n_unique().over("exchange", "side", "valid_from_utc") == 1,
        ),
    ),
)
