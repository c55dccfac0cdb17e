"""Contract of model.position_ledger."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Table

_BOOK = ("coin", "hour_utc", "exchange", "instrument")
_SCALE = pl.max_horizontal("open_interest_base", "closing_base", "opening_base", pl.lit(1e-9))
_FLOW = pl.col("opening_base") + pl.col("opened_base") - pl.col("closed_base") - pl.col("liquidated_base")
_PLACES = pl.col("in_map_base") + pl.col("beyond_map_base") + pl.col("unliquidatable_base")

TABLE = Table(
    name="position_ledger",
    former_name="mart.position_books",
    layer="model",
    kind="modelled",
    doc="Ledger of open positions per hour and side: opening + opened - closed - liquidated = closing, and the split "
    "of the closing balance by liquidation price. Each side equals open interest.",
    grain=("hour_utc", "exchange", "instrument", "side"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "exchange",
        "instrument",
        "side",
        "opening_base",
        "opened_base",
        "closed_base",
        "liquidated_base",
        "closing_base",
        "in_map_base",
        "beyond_map_base",
        "unliquidatable_base",
        "open_interest_base",
        "traded_base",
        "mark_price",
        "lowest_mark_price",
        "highest_mark_price",
        "is_stale",
        "gap_log_sd",
        "parameters_version",
        "source",
    ),
    nullable=frozenset({"open_interest_base", "traded_base", "lowest_mark_price", "highest_mark_price"}),
    time_column="hour_utc",
    fresh_within_hours=0,
    built_with="liquidation_levels",
    checks_look_back=True,
    checks=(
        Check(
            "ledger_balances",
            "Closing balance must equal opening + opened - closed - liquidated.",
            (pl.col("closing_base") - _FLOW).abs() <= 1e-9 * _SCALE,
        ),
        Check(
            "closing_is_fully_located",
            "Closing balance must equal the sum of `in_map_base`, `beyond_map_base` and `unliquidatable_base`.",
            (pl.col("closing_base") - _PLACES).abs() <= 1e-9 * _SCALE,
        ),
        Check(
            "closing_equals_open_interest",
            "Each contract has one long and one short, so each side's closing balance must equal open interest, "
            "except in stale hours.",
            (
                pl.col("is_stale") | ((pl.col("closing_base") - pl.col("open_interest_base")).abs() <= 1e-9 * _SCALE)
            ).fill_null(False),
        ),
        Check(
            "sides_are_equal",
            "Longs must equal shorts, and both sides must have a row.",
            (pl.col("side").n_unique().over(_BOOK) == 2)
            & (
                pl.col("is_stale")
                | (pl.col("closing_base").max().over(_BOOK) - pl.col("closing_base").min().over(_BOOK) <= 1e-9 * _SCALE)
            ),
        ),
        Check(
            "opening_equals_previous_closing",
            "Opening balance must equal the previous hour's closing balance.",
            (
                (
                    pl.col("opening_base")
                    - pl.col("closing_base").shift(1).over("coin", "exchange", "instrument", "side")
                ).abs()
                <= 1e-9 * _SCALE
            ).fill_null(True),
        ),
    ),
)
