"""Contract of mart.sweeps."""

from datetime import timedelta

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_BOOK = ("coin", "exchange", "instrument", "side")
_LONG = pl.col("side") == "long"
_PREVIOUS, _LOWEST, _HIGHEST = (pl.col(f"{name}_mark_price") for name in ("previous", "lowest", "highest"))
_WORST = pl.when(_LONG).then(_LOWEST).otherwise(_HIGHEST)
_BEST = pl.when(_LONG).then(pl.max_horizontal(_HIGHEST, _PREVIOUS)).otherwise(pl.min_horizontal(_LOWEST, _PREVIOUS))
_WENT_AGAINST = pl.when(_LONG).then(_LOWEST <= _PREVIOUS).otherwise(_HIGHEST >= _PREVIOUS)
_UNREAD = pl.col("completeness").is_null()

_PLACES = ("coin", "hour_utc", "exchange", "instrument", "side", "price_low", "price_high", "notional_usd")

TABLE = Table(
    name="sweeps",
    layer="mart",
    kind="modelled",
    doc="Predicted, modelled and realised liquidations per hour and side. `predicted_usd`: notional of the previous "
    "hour's map between its mark and the hour's extreme mark, counting buckets whose middle was reached. "
    "`modelled_usd`: what the model then liquidated, including positions opened and swept within the hour. The "
    "`realised_` columns are reported: events of the hour, null if `core.realised_coverage` lacks the hour, 0 if "
    "it has the hour and nothing happened. `predicted_usd` is null before the first map and without bars in the "
    "hour. `is_stale` is true if the map of this hour or of the previous one is stale.",
    grain=("hour_utc", "exchange", "instrument", "side"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "exchange",
        "instrument",
        "side",
        "previous_mark_price",
        "lowest_mark_price",
        "highest_mark_price",
        "predicted_usd",
        "liquidated_base",
        "modelled_usd",
        "realised_usd",
        "realised_count",
        "completeness",
        "mark_price",
        "is_stale",
        "parameters_version",
        "source",
    ),
    inputs=(
        Input("liquidation_levels", hours=1, columns=_PLACES, required=True),
        Input("position_ledger", hours=1),
        Input("price_bars", hours=1),
        Input("realised_liquidations", hours=1),
        Input("realised_coverage", hours=1),
    ),
    nullable=frozenset(
        {
            "previous_mark_price",
            "lowest_mark_price",
            "highest_mark_price",
            "predicted_usd",
            "realised_usd",
            "realised_count",
            "completeness",
        }
    ),
    time_column="hour_utc",
    fresh_within_hours=0,
    checks_look_back=True,
    checks=(
        Check(
            "mark_within_hour_range",
            "`mark_price` must lie between the hour's lowest and highest mark.",
            (_LOWEST.is_null() == _HIGHEST.is_null())
            & pl.col("mark_price").is_between(_LOWEST, _HIGHEST).fill_null(True),
        ),
        Check(
            "previous_mark_is_continuous",
            "`previous_mark_price` must equal the previous hour's `mark_price`, or the prediction covers another "
            "range.",
            pl.when(pl.col("hour_utc").diff().over(_BOOK) == timedelta(hours=1))
            .then((_PREVIOUS / pl.col("mark_price").shift(1).over(_BOOK) - 1).abs() <= 1e-9)
            .otherwise(True),
        ),
        Check(
            "predicted_only_in_crossed_range",
            "`predicted_usd` is positive only if the mark moved against the side, and null exactly if the range "
            "is unknown.",
            pl.when(_PREVIOUS.is_null() | _LOWEST.is_null())
            .then(pl.col("predicted_usd").is_null())
            .otherwise((pl.col("predicted_usd") == 0) | (_WENT_AGAINST & (pl.col("predicted_usd") > 0))),
        ),
        Check(
            "modelled_usd_matches_marks",
            "`modelled_usd` must equal `liquidated_base` at the geometric mean of the hour's extreme marks.",
            (pl.col("modelled_usd") - (pl.col("liquidated_base") * (_WORST * _BEST).sqrt()).fill_null(0)).abs()
            <= 1e-9 * pl.max_horizontal("modelled_usd", pl.lit(1.0)),
        ),
        Check(
            "null_only_without_coverage",
            "Realised columns are null exactly if the feed was not read; dollars and events are zero together.",
            (pl.col("realised_usd").is_null() == _UNREAD)
            & (pl.col("realised_count").is_null() == _UNREAD)
            & ((pl.col("realised_usd") > 0) == (pl.col("realised_count") > 0)).fill_null(True),
        ),
        Check(
            "realised_only_if_mark_moved",
            "Liquidations were published for an hour in which the mark did not move: likely a shifted clock, "
            "another contract, or a price that is not the mark.",
            ((pl.col("realised_count") == 0) | (_WORST != _BEST)).fill_null(True),
            severity="WARN",
        ),
    ),
)
