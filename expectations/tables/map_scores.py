"""Contract of mart.map_scores."""

import polars as pl

from expectations.columns.evaluation import ESTIMATORS
from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_SIDE = ("coin", "date", "exchange", "instrument", "side")
_NOTHING = pl.col("hours") == 0
_LEAST_HOURS = 24


def _is_present(name: str) -> pl.Expr:
    return pl.col(name).is_not_null()


TABLE = Table(
    name="map_scores",
    layer="mart",
    kind="modelled",
    doc="Accuracy of the map on the days before `date`, against baselines that it has to beat. Each hour in "
    "`core.realised_coverage` is predicted by every estimator from the hour before: the notional in the range "
    "that the mark then crossed, like `predicted_usd` of mart.sweeps. `fitted` and `prior` are this warehouse's "
    "map, with the parameters of that time and with the stated prior; `ladder` is the common leverage ladder, "
    "`distance` and `open_interest` do not remember entry prices, `range` is the size of the price move alone. "
    "All run for a week over the same bars before they are scored. Before `poisson_deviance` each is multiplied "
    "by `scale`, one factor per exchange and side, learnt in the week before the scored days; an hour's "
    "prediction is at least 1 % of that week's mean. Hours without fresh open interest, and the hours after "
    "them, are excluded. Values are null if no hour was read; with fewer than 24 hours there is no correlation "
    "and no `scale`. No data of `date` or later is used. `predicted_usd` is before scaling; `parameters_version` "
    "is the last one used.",
    grain=("exchange", "instrument", "side", "estimator"),
    columns=pick(
        "coin",
        "date",
        "exchange",
        "instrument",
        "side",
        "estimator",
        "scored_from_utc",
        "scored_days",
        "hours",
        "rank_correlation",
        "poisson_deviance",
        "realised_usd",
        "predicted_usd",
        "scale",
        "scale_hours",
        "completeness",
        "parameters_version",
        "source",
    ),
    inputs=(
        Input("price_bars", days=22, own_day=False),
        Input("open_interest", days=22, own_day=False),
        Input("margin_tiers", days=22, own_day=False),
        Input("instruments", days=22, own_day=False),
        Input("model_parameters", days=22, own_day=False),
        Input("realised_liquidations", days=22, own_day=False),
        Input("realised_coverage", days=22, own_day=False),
    ),
    nullable=frozenset(
        {
            "rank_correlation",
            "poisson_deviance",
            "realised_usd",
            "predicted_usd",
            "scale",
            "completeness",
            "parameters_version",
        }
    ),
    on_demand=True,
    checks=(
        Check(
            "same_hours_for_every_estimator",
            "Every estimator must be scored on the same hours and realised notional, or scores cannot be compared.",
            (pl.len().over(_SIDE) == len(ESTIMATORS))
            & (pl.col("hours").n_unique().over(_SIDE) == 1)
            & (pl.col("scale_hours").n_unique().over(_SIDE) == 1)
            & (pl.col("realised_usd").n_unique().over(_SIDE) == 1),
        ),
        Check(
            "null_only_without_coverage",
            "Realised and predicted notional are null exactly if no hour was read; `range` predicts no dollars.",
            (pl.col("realised_usd").is_null() == _NOTHING)
            & (pl.col("completeness").is_null() == _NOTHING)
            & (pl.col("predicted_usd").is_null() == (_NOTHING | (pl.col("estimator") == "range"))),
        ),
        Check(
            "hours_within_window",
            "There cannot be more scored hours than 24 a day; otherwise some count twice.",
            pl.col("hours") <= pl.col("scored_days") * 24,
        ),
        Check(
            "at_least_24_hours",
            "Correlation and `scale` need at least 24 hours, or a single violent hour dominates them.",
            (~_is_present("rank_correlation") | (pl.col("hours") >= _LEAST_HOURS))
            & (~_is_present("scale") | (pl.col("scale_hours") >= _LEAST_HOURS)),
        ),
        Check(
            "deviance_needs_scale",
            "A deviance needs a `scale` from earlier hours and realised notional above zero.",
            ~_is_present("poisson_deviance") | (_is_present("scale") & (pl.col("realised_usd") > 0).fill_null(False)),
        ),
    ),
)
