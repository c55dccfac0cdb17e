"""Contract of mart.market_summary."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_SIDES = ("long", "short")
_PERCENT = (1, 2, 5)


def _of_side(side: str) -> tuple[str, ...]:
    places = (
        "max_pain_price",
        "max_pain_usd",
        "magnet_price",
        "magnet_bp",
        "magnet_intensity",
        "void_low",
        "void_high",
    )
    return tuple(f"{side}_{place}" for place in (*places, "trigger_price", "amplification"))


def _within(percent: int) -> tuple[str, ...]:
    return f"long_{percent}pct_usd", f"short_{percent}pct_usd", f"imbalance_{percent}pct"


def _beyond(side: str, *prices: str) -> pl.Expr:
    """Prices are on the side's own side of the mark, give or take the bucket that the mark lies in."""
    away = [(pl.col(f"{side}_{price}") / pl.col("mark_price") - 1) * (-1 if side == "long" else 1) for price in prices]
    return pl.all_horizontal((each >= -1e-3).fill_null(True) for each in away)


def _weighs(percent: int) -> pl.Expr:
    long, short, imbalance = (pl.col(name) for name in _within(percent))
    told = (imbalance * (long + short) - (long - short)).abs() <= 1e-9 * pl.max_horizontal(long + short, pl.lit(1.0))
    return pl.when(imbalance.is_null()).then(long + short == 0).otherwise(told)


TABLE = Table(
    name="market_summary",
    layer="mart",
    kind="modelled",
    doc="An hour of a coin in one row, exchanges added up: what a dashboard reads. Max pain is the bucket with the "
    "largest notional on each side; a magnet the nearest cluster, in the field's word, which claims nothing; a void "
    "the widest range within 10 % that holds little, but for the gap at the mark; then long against short within 1, 2 "
    "and 5 %, and where a cascade would begin.",
    grain=("hour_utc",),
    columns=pick(
        "coin",
        "month",
        "date",
        "hour_utc",
        "mark_price",
        *(name for side in _SIDES for name in _of_side(side)[:7]),
        *(name for percent in _PERCENT for name in _within(percent)),
        *(name for side in _SIDES for name in _of_side(side)[7:]),
        "is_stale",
        "parameters_version",
        "source",
    ),
    inputs=(
        Input("liquidation_levels", required=True),
        Input("liquidation_clusters"),
        Input("market_balance"),
        Input("cascade_risk"),
    ),
    nullable=frozenset(
        {*(name for side in _SIDES for name in _of_side(side)), *(_within(percent)[2] for percent in _PERCENT)}
    ),
    partition=("coin", "month"),  # a year of a file a day takes a second to open
    time_column="hour_utc",
    fresh_within_hours=0,
    checks=(
        Check(
            "stands_in_its_month",
            "A row in another month's folder, or with another day's date, is found by nobody.",
            (pl.col("hour_utc").dt.strftime("%Y-%m") == pl.col("month"))
            & (pl.col("hour_utc").dt.date() == pl.col("date")),
        ),
        Check(
            "longs_below_shorts_above_the_mark",
            "What was liquidated already is no place to go.",
            pl.all_horizontal(_beyond(side, "max_pain_price", "void_low", "trigger_price") for side in _SIDES),
        ),
        Check(
            "what_has_a_price_has_the_rest",
            "A place without its amount, or an amount without its place, tells nothing.",
            pl.all_horizontal(
                pl.col(f"{side}_{one}").is_null() == pl.col(f"{side}_{other}").is_null()
                for side in _SIDES
                for one, other in (
                    ("max_pain_price", "max_pain_usd"),
                    ("magnet_price", "magnet_bp"),
                    ("magnet_price", "magnet_intensity"),
                    ("void_low", "void_high"),
                    ("trigger_price", "amplification"),
                )
            ),
        ),
        Check(
            "voids_have_a_width",
            "A range ends above where it begins.",
            pl.all_horizontal(
                (pl.col(f"{side}_void_low") < pl.col(f"{side}_void_high")).fill_null(True) for side in _SIDES
            ),
        ),
        Check(
            "imbalances_are_of_their_sides",
            "Each ratio must be that of the two columns beside it, and is null only when both are zero.",
            pl.all_horizontal(_weighs(percent) for percent in _PERCENT),
        ),
        Check(
            "grows_with_distance",
            "More distance holds more notional.",
            pl.all_horizontal(
                (pl.col(f"{side}_1pct_usd") <= pl.col(f"{side}_2pct_usd"))
                & (pl.col(f"{side}_2pct_usd") <= pl.col(f"{side}_5pct_usd"))
                for side in _SIDES
            ),
        ),
    ),
)
