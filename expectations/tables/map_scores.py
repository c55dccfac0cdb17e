"""Contract of mart.map_scores."""

import polars as pl

from expectations.columns.evaluation import ESTIMATORS
from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_SIDE = ("coin", "date", "exchange", "instrument", "side")
_NOTHING = pl.col("hours") == 0
_LEAST_HOURS = 24


def _given(name: str) -> pl.Expr:
    return pl.col(name).is_not_null()


TABLE = Table(
    name="map_scores",
    layer="mart",
    kind="modelled",
    doc="How well the map did on the days before `date`, beside what it has to beat. Each hour that "
    "`core.realised_coverage` has is predicted by what each estimator said at the hour before: the notional that stood "
    "in the range that the mark then went through, as `predicted_usd` of `mart.sweeps`. `fitted` and `prior` are ours, "
    "read with the parameters that applied then and with the stated prior; `ladder` is the field's, `distance` and "
    "`open_interest` have no memory of entries, `range` is how far the mark went and no map at all. All are carried "
    "for a week over the same bars before they are compared with anything. `poisson_deviance` is after scaling each by "
    "`scale`, one factor of the exchange's side, learnt in the week before the `scored_days`; no hour counts as predicted "
    "less than 1 % of that week's mean hour. Left out are hours without fresh open interest, and those after them. "
    "Null where nothing was read; with fewer than 24 hours there is no correlation, and no `scale`. Nothing of `date` "
    "or later has a part in it. `predicted_usd` is before scaling; `parameters_version` the last that was read.",
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
            "all_are_judged_alike",
            "Every estimator is there, on the same hours and against the same dollars, or they cannot be compared.",
            (pl.len().over(_SIDE) == len(ESTIMATORS))
            & (pl.col("hours").n_unique().over(_SIDE) == 1)
            & (pl.col("scale_hours").n_unique().over(_SIDE) == 1)
            & (pl.col("realised_usd").n_unique().over(_SIDE) == 1),
        ),
        Check(
            "unread_is_not_quiet",
            "Null where no hour was read, and nowhere else.",
            (pl.col("realised_usd").is_null() == _NOTHING)
            & (pl.col("completeness").is_null() == _NOTHING)
            & (pl.col("predicted_usd").is_null() == (_NOTHING | (pl.col("estimator") == "range"))),
        ),
        Check(
            "hours_of_the_window",
            "More hours than there are were counted twice.",
            pl.col("hours") <= pl.col("scored_days") * 24,
        ),
        Check(
            "few_hours_say_nothing",
            "One violent hour would speak for all.",
            (~_given("rank_correlation") | (pl.col("hours") >= _LEAST_HOURS))
            & (~_given("scale") | (pl.col("scale_hours") >= _LEAST_HOURS)),
        ),
        Check(
            "deviance_of_what_was_scaled",
            "Levels that were fitted to the hours they are judged by, or to none, would flatter whoever is far off.",
            ~_given("poisson_deviance") | (_given("scale") & (pl.col("realised_usd") > 0).fill_null(False)),
        ),
    ),
)
