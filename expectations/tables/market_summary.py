"""Contract of mart.market_summary."""

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

_SIDES = ("long", "short")
_PERCENT = (1, 2, 5)


def _side_columns(side: str) -> tuple[str, ...]:
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


def _range_columns(percent: int) -> tuple[str, ...]:
    return f"long_{percent}pct_usd", f"short_{percent}pct_usd", f"imbalance_{percent}pct"


def _lies_on_side(side: str, *prices: str) -> pl.Expr:
    """Return whether prices lie on the side's own side of the mark, within a tolerance of the mark's bucket."""
    away = [(pl.col(f"{side}_{price}") / pl.col("mark_price") - 1) * (-1 if side == "long" else 1) for price in prices]
    return pl.all_horizontal((each >= -1e-3).fill_null(True) for each in away)


def _imbalance_matches(percent: int) -> pl.Expr:
    long, short, imbalance = (pl.col(name) for name in _range_columns(percent))
    matches = (imbalance * (long + short) - (long - short)).abs() <= 1e-9 * pl.max_horizontal(long + short, pl.lit(1.0))
    return pl.when(imbalance.is_null()).then(long + short == 0).otherwise(matches)


TABLE = Table(
    name="market_summary",
    layer="mart",
    kind="modelled",
    doc="One row per coin and hour for dashboards, all exchanges together. Max pain is the bucket with the largest "
    "notional on each side. A magnet is the nearest cluster; the term is the field's and claims no attraction. A "
    "void is the widest range within 10 % with little notional, apart from the gap at the mark. Further: long "
    "against short notional within 1, 2 and 5 %, and the price at which a cascade would begin.",
    grain=("hour_utc",),
    columns=pick(
        "coin",
        "month",
        "date",
        "hour_utc",
        "mark_price",
        *(name for side in _SIDES for name in _side_columns(side)[:7]),
        *(name for percent in _PERCENT for name in _range_columns(percent)),
        *(name for side in _SIDES for name in _side_columns(side)[7:]),
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
        {
            *(name for side in _SIDES for name in _side_columns(side)),
            *(_range_columns(percent)[2] for percent in _PERCENT),
        }
    ),
    partition=("coin", "month"),  # with a file a day, a year takes a second to open
    time_column="hour_utc",
    fresh_within_hours=0,
    checks=(
        Check(
            "month_and_date_match_hour",
            "`month` and `date` must be those of `hour_utc`, or queries that filter by them miss the row.",
            (pl.col("hour_utc").dt.strftime("%Y-%m") == pl.col("month"))
            & (pl.col("hour_utc").dt.date() == pl.col("date")),
        ),
        Check(
            "longs_below_shorts_above_the_mark",
            "Max pain, void and trigger of longs lie below the mark, those of shorts above it.",
            pl.all_horizontal(_lies_on_side(side, "max_pain_price", "void_low", "trigger_price") for side in _SIDES),
        ),
        Check(
            "price_and_amount_together",
            "A price and the values that belong to it must be null together.",
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
            "void_low_below_high",
            "A void's lower edge must be below its upper edge.",
            pl.all_horizontal(
                (pl.col(f"{side}_void_low") < pl.col(f"{side}_void_high")).fill_null(True) for side in _SIDES
            ),
        ),
        Check(
            "imbalances_match_sides",
            "Each imbalance must equal the ratio of its two sides, and is null only if both are zero.",
            pl.all_horizontal(_imbalance_matches(percent) for percent in _PERCENT),
        ),
        Check(
            "grows_with_distance",
            "Notional cannot fall as the distance grows.",
            pl.all_horizontal(
                (pl.col(f"{side}_1pct_usd") <= pl.col(f"{side}_2pct_usd"))
                & (pl.col(f"{side}_2pct_usd") <= pl.col(f"{side}_5pct_usd"))
                for side in _SIDES
            ),
        ),
    ),
)
