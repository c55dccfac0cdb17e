"""Contract of model.model_parameters."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_FLOWS = (
    *("coin", "exchange", "instrument", "side", "hour_utc", "is_stale", "opening_base", "closing_base", "traded_base"),
    *("lowest_mark_price", "highest_mark_price"),
)
_SET = ("version", "exchange", "side")

TABLE = Table(
    name="model_parameters",
    former_name="mart.model_parameters",
    layer="model",
    kind="modelled",
    doc="Every assumption of the estimator, by version, exchange and side, with the time from which it applies. A "
    "fitted version is named for its day: it uses the 45 days before, of all coins, and applies from that day's "
    "midnight. `weight`: coins opened with that leverage and half-life per coin of activity. `log_sd`: standard "
    "deviation of the log of notional at that leverage, given the data. Fitted versions also record their "
    "evidence: `hours` and `realised_usd` of the fit, `prior_usd` and `fitted_usd` predicted for those hours by "
    "prior and fit, `distance` from the prior, in its standard deviations, and `log_survival` with `log_survival_sd`: "
    "how many of the positions that the mark reaches are liquidated and not closed before, in logs and relative to "
    "the prior.",
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
            columns=_FLOWS,
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
            "Weights must be above zero: a fit can never move away from a weight of zero.",
            (pl.col("parameter") != "weight") | (pl.col("value") > 0.0),
        ),
        Check(
            "versions_are_complete",
            "Each version needs both `weight` and `log_sd` parameters.",
            (pl.col("parameter") == "weight").any().over(_SET) & (pl.col("parameter") == "log_sd").any().over(_SET),
        ),
        Check(
            "one_version_per_start",
            "Only one version per exchange and side may begin at a time, so that each hour has exactly one.",
            pl.col("version").n_unique().over("exchange", "side", "valid_from_utc") == 1,
        ),
    ),
)
