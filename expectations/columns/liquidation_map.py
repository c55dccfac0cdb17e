"""Columns of the liquidation map: levels, curve, balance, position ledger, the estimator's state and parameters."""

from __future__ import annotations

import polars as pl

from expectations.columns.kinds import FLAG, FLOAT, TEXT, UTC
from expectations.contract import Column

LEVERAGE_CLASSES = ("100x+", "50x", "25x", "10x", "5x", "3x", "2x")

COLUMNS = (
    # levels and curve
    Column("price_bucket", pl.Int32(), "Index of the fixed 10 bp grid: floor(ln(price) / ln(1.001))"),
    Column("price_low", FLOAT, "Lower edge of the price range", "usd", minimum=0),
    Column("price_high", FLOAT, "Upper edge of the price range", "usd", minimum=0),
    Column("price_peak", FLOAT, "Middle of the bucket with the most notional", "usd", minimum=0),
    Column("leverage_class", TEXT, "Effective leverage, as a class of the leverage ladder", allowed=LEVERAGE_CLASSES),
    Column("leverage_x", FLOAT, "Effective leverage: notional over margin", "x", minimum=0),
    Column("half_life_hours", FLOAT, "Time in which half of such positions are closed voluntarily", "hours", minimum=0),
    Column(
        "notional_usd",
        FLOAT,
        "Notional in dollars. Modelled: of the positions that would be liquidated there. Realised: size of the "
        "liquidation at `price`",
        "usd",
        minimum=0,
    ),
    Column("notional_1d_usd", FLOAT, "Part of `notional_usd` opened in the last day", "usd", minimum=0),
    Column("notional_7d_usd", FLOAT, "Part of `notional_usd` opened in the last 7 days", "usd", minimum=0),
    Column("notional_30d_usd", FLOAT, "Part of `notional_usd` opened in the last 30 days", "usd", minimum=0),
    Column("distance_bp", FLOAT, "Distance from the mark", "bp", minimum=0),
    Column("cumulative_usd", FLOAT, "Modelled notional between the mark and `distance_bp`", "usd", minimum=0),
    Column("cumulative_opened_1d_usd", FLOAT, "Part of `cumulative_usd` opened in the last day", "usd", minimum=0),
    Column("cumulative_opened_7d_usd", FLOAT, "Part of `cumulative_usd` opened in the last 7 days", "usd", minimum=0),
    Column("cumulative_opened_30d_usd", FLOAT, "Part of `cumulative_usd` opened in the last 30 days", "usd", minimum=0),
    Column(
        "cumulative_p10_usd",
        FLOAT,
        "10th percentile of the cumulative notional: the true value is lower with a probability of 10 %",
        "usd",
        minimum=0,
    ),
    Column(
        "cumulative_p50_usd", FLOAT, "Median of the cumulative notional, equal to `cumulative_usd`", "usd", minimum=0
    ),
    Column(
        "cumulative_p90_usd",
        FLOAT,
        "90th percentile of the cumulative notional: the true value is higher with a probability of 10 %",
        "usd",
        minimum=0,
    ),
    # balance of the sides, and attributes that every row of a map repeats
    Column("long_usd", FLOAT, "Long notional within `distance_bp` below the mark", "usd", minimum=0),
    Column("short_usd", FLOAT, "Short notional within `distance_bp` above the mark", "usd", minimum=0),
    Column("imbalance", FLOAT, "(long - short) / (long + short): positive if longs are heavier", minimum=-1, maximum=1),
    Column("is_stale", FLAG, "True if carried forward from an earlier hour because the exchange's data was missing"),
    Column(
        "gap_log_sd",
        FLOAT,
        "Uncertainty from hours without data, before the history begins or in its gaps: standard deviation of "
        "the log of notional. 0 if the last 30 days are complete; capped at 1.5",
        minimum=0,
        maximum=1.5,
    ),
    Column("parameters_version", TEXT, "Version of the parameters, a key of model.model_parameters"),
    # ledger
    Column("opening_base", FLOAT, "Open positions at the end of the previous hour", "coins", minimum=0),
    Column("opened_base", FLOAT, "Positions opened in the hour", "coins", minimum=0),
    Column("closed_base", FLOAT, "Positions closed voluntarily in the hour", "coins", minimum=0),
    Column(
        "liquidated_base",
        FLOAT,
        "Positions liquidated in the hour according to the model, because the mark passed their liquidation price",
        "coins",
        minimum=0,
    ),
    Column("closing_base", FLOAT, "Open positions at the end of the hour", "coins", minimum=0),
    Column("traded_base", FLOAT, "Volume of the hour, one side: half of taker buys plus sells", "coins", minimum=0),
    Column(
        "in_map_base",
        FLOAT,
        "Part of `closing_base` with a liquidation price inside the map's price range",
        "coins",
        minimum=0,
    ),
    Column(
        "beyond_map_base",
        FLOAT,
        "Part of `closing_base` with a liquidation price beyond the map's price range",
        "coins",
        minimum=0,
    ),
    Column(
        "unliquidatable_base",
        FLOAT,
        "Part of `closing_base` assumed never to be liquidated: hedged or unleveraged",
        "coins",
        minimum=0,
    ),
    # state
    Column(
        "position_class",
        pl.Int32(),
        "Index of the leverage class, from 1; 0 is a placeholder without positions",
        minimum=0,
    ),
    Column("holding_class", pl.Int32(), "Index of the holding class; 0 has the shortest half-life", minimum=0),
    Column(
        "initialised_utc",
        UTC,
        "Hour in which the state was initialised with a typical crowd: the start of the map's history",
        "UTC",
    ),
    Column("opened_utc", UTC, "End of the hour in which the cohort was opened", "UTC"),
    Column("entry_bucket", pl.Int32(), "Index of the entry price on the fixed 10 bp grid"),
    Column(
        "reached_bucket", pl.Int32(), "Farthest bucket that the mark reached in the rest of the hour after the opening"
    ),
    Column(
        "hour_began_bucket",
        pl.Int32(),
        "Bucket that the mark had reached when the hour began: longs at or above it and shorts at or below it "
        "are liquidated",
    ),
    Column("hour_reached_bucket", pl.Int32(), "Farthest bucket that the mark reached in the hour"),
    Column(
        "activity_base",
        FLOAT,
        "Activity in coins; in model.state_positions, the part still open if all activity belonged to this class",
        "coins",
        minimum=0,
    ),
    Column("activity_1d_base", FLOAT, "Part of `activity_base` opened in the last day", "coins", minimum=0),
    Column("activity_7d_base", FLOAT, "Part of `activity_base` opened in the last 7 days", "coins", minimum=0),
    Column("activity_30d_base", FLOAT, "Part of `activity_base` opened in the last 30 days", "coins", minimum=0),
    Column("turnover_per_hour", FLOAT, "Usual hourly taker volume divided by open interest", minimum=0),
    Column("turnover_hours", FLOAT, "Hours of observation that `turnover_per_hour` rests on", "hours", minimum=0),
    Column(
        "aged_hours",
        FLOAT,
        "Hours by which positions have aged since the state began; fewer than have passed where turnover is low. In "
        "model.state_cohorts, at the end of the cohort's hour",
        "hours",
        minimum=0,
    ),
    Column(
        "exposure_usd",
        FLOAT,
        "Notional that the mark would have swept if all activity belonged to this class",
        "usd",
        minimum=0,
    ),
    # parameters
    Column("version", TEXT, "Name of the parameter set"),
    Column("parameter", TEXT, "Name of the parameter"),
    Column("value", FLOAT, "Value of the parameter"),
    Column("basis", TEXT, "Origin of the value: stated as a prior, or fitted to data", allowed=("prior", "fitted")),
)
