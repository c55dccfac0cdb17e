"""Columns of sweeps and scores: the map against the liquidations that happened."""

from __future__ import annotations

from expectations.columns.kinds import FLOAT, TEXT, UTC, WHOLE
from expectations.contract import Column

ESTIMATORS = ("fitted", "prior", "ladder", "distance", "open_interest", "range")

COLUMNS = (
    # scores
    Column("estimator", TEXT, "Who predicted: ours, or a baseline that a map has to beat", allowed=ESTIMATORS),
    Column("scored_from_utc", UTC, "Start of the days that are judged", "UTC"),
    Column("scored_days", WHOLE, "Days before `date` that are judged", "days", minimum=1),
    Column("hours", WHOLE, "Hours of those days that were read in full and predicted", "hours", minimum=0),
    Column(
        "rank_correlation",
        FLOAT,
        "Spearman's, over the hours, of what was predicted with what was realised: 1 is the same order",
        minimum=-1,
        maximum=1,
    ),
    Column(
        "poisson_deviance",
        FLOAT,
        "Of what was realised about what was predicted, scaled, for each dollar realised: 0 is perfect",
        minimum=0,
    ),
    Column("scale", FLOAT, "Realised over predicted in the days before those that are judged", minimum=0),
    Column("scale_hours", WHOLE, "Hours that `scale` was learnt from", "hours", minimum=0),
    # sweeps
    Column("previous_mark_price", FLOAT, "Mark price at the hour before", "usd", minimum=0),
    Column("lowest_mark_price", FLOAT, "Lowest mark in the hour: longs down to it were reached", "usd", minimum=0),
    Column("highest_mark_price", FLOAT, "Highest mark in the hour: shorts up to it were reached", "usd", minimum=0),
    Column(
        "predicted_usd",
        FLOAT,
        "Notional that the map of the hour before held between its mark and the worst mark of the hour; of a score, the "
        "sum over its hours; of a track, its notional in the hour before the sweep",
        "usd",
        minimum=0,
    ),
    Column(
        "modelled_usd",
        FLOAT,
        "`liquidated_base` at the geometric middle of the hour's best and worst mark",
        "usd",
        minimum=0,
    ),
    Column(
        "realised_usd",
        FLOAT,
        "Liquidated in the hour, as exchanges published it; null where no feed was read in full",
        "usd",
        minimum=0,
    ),
    Column("realised_count", WHOLE, "Liquidations behind `realised_usd`", minimum=0),
)
