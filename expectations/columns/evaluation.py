"""Columns of sweeps and scores: predicted against realised liquidations."""

from __future__ import annotations

from expectations.columns.kinds import FLOAT, TEXT, UTC, WHOLE
from expectations.contract import Column

ESTIMATORS = ("fitted", "prior", "ladder", "distance", "open_interest", "range")

COLUMNS = (
    # scores
    Column(
        "estimator",
        TEXT,
        "Estimator that made the prediction: `fitted` and `prior` are this warehouse's, the others are baselines",
        allowed=ESTIMATORS,
    ),
    Column("scored_from_utc", UTC, "Start of the scored days", "UTC"),
    Column("scored_days", WHOLE, "Number of days before `date` that are scored", "days", minimum=1),
    Column("hours", WHOLE, "Scored hours: read in full and predicted", "hours", minimum=0),
    Column(
        "rank_correlation",
        FLOAT,
        "Spearman's rank correlation of hourly predicted and realised notional: 1 is the same order",
        minimum=-1,
        maximum=1,
    ),
    Column(
        "poisson_deviance",
        FLOAT,
        "Poisson deviance of realised from scaled predicted notional, per realised dollar: 0 is perfect",
        minimum=0,
    ),
    Column("scale", FLOAT, "Realised divided by predicted notional in the week before the scored days", minimum=0),
    Column("scale_hours", WHOLE, "Hours that `scale` is computed from", "hours", minimum=0),
    # sweeps
    Column("previous_mark_price", FLOAT, "Mark price at the end of the previous hour", "usd", minimum=0),
    Column("lowest_mark_price", FLOAT, "Lowest mark in the hour: longs down to it are swept", "usd", minimum=0),
    Column("highest_mark_price", FLOAT, "Highest mark in the hour: shorts up to it are swept", "usd", minimum=0),
    Column(
        "predicted_usd",
        FLOAT,
        "Predicted notional. In mart.sweeps: what the previous hour's map held between its mark and the hour's "
        "extreme mark. In mart.cluster_history: the swept cluster's notional when last seen. In mart.map_scores: "
        "the sum over the scored hours",
        "usd",
        minimum=0,
    ),
    Column(
        "modelled_usd",
        FLOAT,
        "`liquidated_base` valued at the geometric mean of the hour's extreme marks",
        "usd",
        minimum=0,
    ),
    Column(
        "realised_usd",
        FLOAT,
        "Liquidations published by the exchange; null if no feed was read in full",
        "usd",
        minimum=0,
    ),
    Column("realised_count", WHOLE, "Number of liquidations in `realised_usd`", minimum=0),
)
