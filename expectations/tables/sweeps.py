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
    doc="What stood in the range that the mark went through in the hour, beside what was realised. `predicted_usd` is "
    "predicted: the map of the hour before, from its mark to the worst of the hour, with the buckets whose middle was "
    "reached. `modelled_usd` is what the model then liquidated, with what was opened and swept within the hour. The "
    "`realised_` columns are reported: events after the hour before up to this one, null where "
    "`core.realised_coverage` does not have the hour, 0 where it has and nothing happened. Before the first map, and "
    "without bars in the hour, `predicted_usd` is null. `is_stale` where the map of this hour or of the one before is.",
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
            "last_mark_within_its_hour",
            "The mark at the end of an hour is one of those that the hour went through.",
            (_LOWEST.is_null() == _HIGHEST.is_null())
            & pl.col("mark_price").is_between(_LOWEST, _HIGHEST).fill_null(True),
        ),
        Check(
            "begins_where_the_hour_before_ended",
            "The range is that of this hour and no other, or what stood in it was not predicted.",
            pl.when(pl.col("hour_utc").diff().over(_BOOK) == timedelta(hours=1))
            .then((_PREVIOUS / pl.col("mark_price").shift(1).over(_BOOK) - 1).abs() <= 1e-9)
            .otherwise(True),
        ),
        Check(
            "stood_where_the_mark_went",
            "A mark that did not go against the side reached nobody who stood; without a range, who was is not known.",
            pl.when(_PREVIOUS.is_null() | _LOWEST.is_null())
            .then(pl.col("predicted_usd").is_null())
            .otherwise((pl.col("predicted_usd") == 0) | (_WENT_AGAINST & (pl.col("predicted_usd") > 0))),
        ),
        Check(
            "swept_at_marks_of_the_hour",
            "Coins and dollars are two columns: what was swept is priced within the range that swept it.",
            (pl.col("modelled_usd") - (pl.col("liquidated_base") * (_WORST * _BEST).sqrt()).fill_null(0)).abs()
            <= 1e-9 * pl.max_horizontal("modelled_usd", pl.lit(1.0)),
        ),
        Check(
            "unread_is_not_quiet",
            "Null where the feed was not read, and nowhere else; dollars without events, or events without dollars, "
            "are neither.",
            (pl.col("realised_usd").is_null() == _UNREAD)
            & (pl.col("realised_count").is_null() == _UNREAD)
            & ((pl.col("realised_usd") > 0) == (pl.col("realised_count") > 0)).fill_null(True),
        ),
        Check(
            "realised_where_the_mark_moved",
            "Nobody is liquidated by a mark that stands still: another clock, another contract, or a mark that is not "
            "the one.",
            ((pl.col("realised_count") == 0) | (_WORST != _BEST)).fill_null(True),
            severity="WARN",
        ),
    ),
)
