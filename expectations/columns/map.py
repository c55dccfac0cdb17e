"""Columns of the liquidation map: levels, curve, balance, position books, the estimator's state and parameters."""

from __future__ import annotations

import polars as pl

from expectations.columns.kinds import FLAG, FLOAT, TEXT, UTC
from expectations.contract import Column

LEVERAGE_CLASSES = ("100x+", "50x", "25x", "10x", "5x", "3x", "2x")

COLUMNS = (
    # the map
    Column("price_bucket", pl.Int32(), "Index of the fixed 10 bp grid: floor(ln(price) / ln(1.001))"),
    Column("price_low", FLOAT, "Lower edge", "usd", minimum=0),
    Column("price_high", FLOAT, "Upper edge", "usd", minimum=0),
    Column("price_peak", FLOAT, "Middle of the densest bucket", "usd", minimum=0),
    Column("leverage_class", TEXT, "Effective leverage, in the ladder's words", allowed=LEVERAGE_CLASSES),
    Column("leverage_x", FLOAT, "Effective leverage: notional over margin", "x", minimum=0),
    Column("half_life_hours", FLOAT, "Time in which half of such positions close by choice", "hours", minimum=0),
    Column(
        "notional_usd",
        FLOAT,
        "Notional in dollars: modelled, of the positions that would be liquidated there; of a liquidation, its size "
        "at `price`",
        "usd",
        minimum=0,
    ),
    Column("notional_1d_usd", FLOAT, "The part opened in the last day", "usd", minimum=0),
    Column("notional_7d_usd", FLOAT, "The part opened in the last 7 days", "usd", minimum=0),
    Column("notional_30d_usd", FLOAT, "The part opened in the last 30 days", "usd", minimum=0),
    Column("distance_bp", FLOAT, "Distance from the mark", "bp", minimum=0),
    Column("cumulative_usd", FLOAT, "Modelled notional between the mark and the distance", "usd", minimum=0),
    Column("cumulative_opened_1d_usd", FLOAT, "The part opened in the last day", "usd", minimum=0),
    Column("cumulative_opened_7d_usd", FLOAT, "The part opened in the last 7 days", "usd", minimum=0),
    Column("cumulative_opened_30d_usd", FLOAT, "The part opened in the last 30 days", "usd", minimum=0),
    Column(
        "cumulative_p10_usd",
        FLOAT,
        "10th percentile of `cumulative_usd`: the truth is lower once in ten",
        "usd",
        minimum=0,
    ),
    Column("cumulative_p50_usd", FLOAT, "Median of `cumulative_usd`: what is modelled", "usd", minimum=0),
    Column(
        "cumulative_p90_usd",
        FLOAT,
        "90th percentile of `cumulative_usd`: the truth is higher once in ten",
        "usd",
        minimum=0,
    ),
    # longs against shorts, and what every row of a map says
    Column("long_usd", FLOAT, "Long notional within the distance below the mark", "usd", minimum=0),
    Column("short_usd", FLOAT, "Short notional within the distance above the mark", "usd", minimum=0),
    Column(
        "imbalance", FLOAT, "(long - short) / (long + short): positive when longs are heavier", minimum=-1, maximum=1
    ),
    Column("is_stale", FLAG, "Carried from an earlier hour because the exchange was missing"),
    Column(
        "gap_log_sd",
        FLOAT,
        "How far the map may be off for the hours it has not seen, before its history and in holes of it: standard "
        "deviation of the log of what stands; 0 where it has seen the last 30 days, and 1.5 is the most that is said",
        minimum=0,
        maximum=1.5,
    ),
    Column("parameters_version", TEXT, "Version of the assumptions, in model.model_parameters"),
    # books
    Column("opening_base", FLOAT, "Standing at the hour before", "coins", minimum=0),
    Column("opened_base", FLOAT, "Opened in the hour", "coins", minimum=0),
    Column("closed_base", FLOAT, "Closed by choice in the hour", "coins", minimum=0),
    Column("liquidated_base", FLOAT, "Liquidated in the hour, as modelled: the mark went through", "coins", minimum=0),
    Column("closing_base", FLOAT, "Standing at the hour", "coins", minimum=0),
    Column("in_map_base", FLOAT, "Standing inside the map's price range", "coins", minimum=0),
    Column("beyond_map_base", FLOAT, "Standing beyond the map's price range", "coins", minimum=0),
    Column("unliquidatable_base", FLOAT, "Taken as never liquidated: hedged or unleveraged", "coins", minimum=0),
    # state
    Column("position_class", pl.Int32(), "Index of the leverage class, from 1; 0 holds the place of nobody", minimum=0),
    Column("holding_class", pl.Int32(), "Index of the holding class, from the shortest", minimum=0),
    Column("initialised_utc", UTC, "When a typical crowd was seated: where the history of the map begins", "UTC"),
    Column("opened_utc", UTC, "End of the hour in which the cohort was opened", "UTC"),
    Column("entry_bucket", pl.Int32(), "Index of the entry price on the fixed 10 bp grid"),
    Column("reached_bucket", pl.Int32(), "Farthest bucket that the mark reached in the hour after the opening"),
    Column(
        "hour_began_bucket",
        pl.Int32(),
        "What the mark had reached when the hour began: longs from it up are liquidated, shorts from it down",
    ),
    Column("hour_reached_bucket", pl.Int32(), "Farthest bucket that the mark reached in the hour"),
    Column("activity_base", FLOAT, "What would stand, were all activity opened in this class", "coins", minimum=0),
    Column("activity_1d_base", FLOAT, "The part opened in the last day", "coins", minimum=0),
    Column("activity_7d_base", FLOAT, "The part opened in the last 7 days", "coins", minimum=0),
    Column("activity_30d_base", FLOAT, "The part opened in the last 30 days", "coins", minimum=0),
    Column("turnover_per_hour", FLOAT, "Taker volume of a typical hour over open interest", minimum=0),
    Column("exposure_usd", FLOAT, "What would have been swept, were all of this class", "usd", minimum=0),
    # parameters
    Column("version", TEXT, "Name of the set of assumptions"),
    Column("parameter", TEXT, "Name of the assumption"),
    Column("value", FLOAT, "Its value"),
    Column("basis", TEXT, "Where the value comes from", allowed=("prior", "fitted")),
)
