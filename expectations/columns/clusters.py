"""Columns of clusters, their history, cascades and the hourly summary."""

from __future__ import annotations

from expectations.columns.kinds import EXCHANGES, FLAG, FLOAT, TEXT, UTC, WHOLE
from expectations.contract import Column

TRACK_STATUSES = ("active", "lost", "swept", "expired", "merged")


def _landmarks(side: str, beyond: str) -> tuple[Column, ...]:
    """Return the summary's columns for one side of the mark: max pain, magnet and void."""
    return (
        Column(
            f"{side}_max_pain_price",
            FLOAT,
            f"Middle of the bucket with the most {side} notional; null if there is none",
            "usd",
            minimum=0,
        ),
        Column(f"{side}_max_pain_usd", FLOAT, "Modelled notional in that bucket", "usd", minimum=0),
        Column(
            f"{side}_magnet_price",
            FLOAT,
            f"Peak of the {side} cluster nearest to the mark; null if there is none",
            "usd",
            minimum=0,
        ),
        Column(f"{side}_magnet_bp", FLOAT, "Distance of that cluster from the mark", "bp", minimum=0),
        Column(
            f"{side}_magnet_intensity",
            FLOAT,
            "Notional of that cluster divided by the mean of as many neighbouring buckets; a ratio, not an amount",
            minimum=0,
        ),
        Column(
            f"{side}_void_low",
            FLOAT,
            f"Lower edge of the widest void within 10 % {beyond} the mark: a range in which each bucket holds at most "
            "half of the side's median bucket. The gap at the mark does not count. Null if there is none",
            "usd",
            minimum=0,
        ),
        Column(f"{side}_void_high", FLOAT, "Upper edge of that void", "usd", minimum=0),
    )


COLUMNS = (
    # clusters
    Column("rank", WHOLE, "Rank by notional on its side in that hour; 1 is the largest", minimum=1),
    Column("cluster_id", TEXT, "Coin, side and grid range: equal ids in two hours mean the same range"),
    Column(
        "intensity",
        FLOAT,
        "Notional divided by the mean notional of as many neighbouring buckets; a ratio, not an amount",
        minimum=0,
    ),
    Column(
        "intensity_z",
        FLOAT,
        "Z-score of the range's notional against its own last 7 days; null with too little history",
    ),
    Column("share", FLOAT, "Share of the exchange in the cluster's notional", minimum=0, maximum=1),
    # tracks of clusters
    Column(
        "track_id",
        TEXT,
        "Identifier of a cluster followed through time: coin, side, and the hour and grid range of its birth",
    ),
    Column("born_utc", UTC, "Hour in which the cluster was first detected", "UTC"),
    Column("born_usd", FLOAT, "Modelled notional at birth", "usd", minimum=0),
    Column("largest_usd", FLOAT, "Largest modelled notional so far", "usd", minimum=0),
    Column("largest_utc", UTC, "Hour of `largest_usd`, the first if several", "UTC"),
    Column("seen_utc", UTC, "Last hour in which the cluster was detected", "UTC"),
    Column(
        "track_status",
        TEXT,
        "`active` if detected in this hour, `lost` if not; `swept`, `expired` or `merged` if it ended",
        allowed=TRACK_STATUSES,
    ),
    Column("split_from_track_id", TEXT, "Track that this one split from at birth; null if none"),
    Column("merged_into_track_id", TEXT, "Track that this one merged into; null unless `merged`"),
    Column("swept_utc", UTC, "Opening time of the first bar whose mark reached the peak", "UTC"),
    Column(
        "swept_by_exchange",
        TEXT,
        "Exchange whose mark reached the peak; if several did in one bar, the one that went furthest",
        allowed=EXCHANGES,
    ),
    Column(
        "realised_is_complete",
        FLAG,
        "True if every exchange's feed was read in full for the hour and is complete; null if none was read",
    ),
    # cascades
    Column(
        "trigger_price",
        FLOAT,
        "Nearest price at which R reaches 1; null if R stays below 1 across the map",
        "usd",
        minimum=0,
    ),
    Column("trigger_bp", FLOAT, "Distance of `trigger_price` from the mark", "bp", minimum=0),
    Column(
        "exhaustion_price",
        FLOAT,
        "First price beyond the trigger at which R falls below 1 again, or the edge of the map",
        "usd",
        minimum=0,
    ),
    Column("exhaustion_bp", FLOAT, "Distance of `exhaustion_price` from the mark", "bp", minimum=0),
    Column(
        "is_open_ended", FLAG, "True if the map ends before R falls below 1, so that exhaustion is at least that far"
    ),
    Column(
        "amplification",
        FLOAT,
        "Distance of the cascade's exhaustion divided by the distance of its trigger",
        "x",
        minimum=1,
    ),
    Column(
        "largest_ratio",
        FLOAT,
        "Largest R on the map; null without notional, volatility or volume",
        minimum=0,
    ),
    Column("largest_ratio_price", FLOAT, "The price at which R is largest", "usd", minimum=0),
    Column("impact_y", FLOAT, "Constant of the square-root impact law", minimum=0),
    Column("impact_y_low", FLOAT, "Lower end of the 95 % interval of `impact_y`", minimum=0),
    Column("impact_y_high", FLOAT, "Upper end of the 95 % interval of `impact_y`", minimum=0),
    Column(
        "impact_is_fitted",
        FLAG,
        "True if `impact_y` is fitted to trades; false if it is the stated prior with its interval",
    ),
    Column(
        "daily_volatility",
        FLOAT,
        "Daily volatility as a fraction, from the hours of the 30 full days before; null with fewer than 12 hours",
        minimum=0,
    ),
    Column(
        "daily_volume_usd",
        FLOAT,
        "Average daily volume over the 30 full days before, all exchanges; null if none published it",
        "usd",
        minimum=0,
    ),
    Column("reached_exchange", TEXT, "Exchange whose positions are hit", allowed=EXCHANGES),
    Column(
        "pushed_from_price",
        FLOAT,
        "Far edge of the cluster in which the exchange holds the most notional",
        "usd",
        minimum=0,
    ),
    Column(
        "pushed_to_price",
        FLOAT,
        "Price to which the exchange's own liquidations would push the mark from `pushed_from_price`",
        "usd",
        minimum=0,
    ),
    Column(
        "pushing_usd", FLOAT, "Modelled notional of the exchange from the mark to `pushed_from_price`", "usd", minimum=0
    ),
    Column(
        "reached_usd",
        FLOAT,
        "Modelled notional of `reached_exchange` between `pushed_from_price` and `pushed_to_price`",
        "usd",
        minimum=0,
    ),
    Column(
        "reached_cluster_id",
        TEXT,
        "First cluster beyond the pushed one that the price range touches and `reached_exchange` has a share in; "
        "null if none",
    ),
    # summary
    Column("month", TEXT, "UTC month of the row's time, as in 2026-01; a folder in the path", pattern=r"\d{4}-\d{2}"),
    *_landmarks("long", "below"),
    *_landmarks("short", "above"),
    Column("long_1pct_usd", FLOAT, "Long notional within 1 % below the mark", "usd", minimum=0),
    Column("short_1pct_usd", FLOAT, "Short notional within 1 % above the mark", "usd", minimum=0),
    Column(
        "imbalance_1pct",
        FLOAT,
        "(long - short) / (long + short) within 1 %: positive if longs are heavier",
        minimum=-1,
        maximum=1,
    ),
    Column("long_2pct_usd", FLOAT, "Long notional within 2 % below the mark", "usd", minimum=0),
    Column("short_2pct_usd", FLOAT, "Short notional within 2 % above the mark", "usd", minimum=0),
    Column(
        "imbalance_2pct",
        FLOAT,
        "(long - short) / (long + short) within 2 %: positive if longs are heavier",
        minimum=-1,
        maximum=1,
    ),
    Column("long_5pct_usd", FLOAT, "Long notional within 5 % below the mark", "usd", minimum=0),
    Column("short_5pct_usd", FLOAT, "Short notional within 5 % above the mark", "usd", minimum=0),
    Column(
        "imbalance_5pct",
        FLOAT,
        "(long - short) / (long + short) within 5 %: positive if longs are heavier",
        minimum=-1,
        maximum=1,
    ),
    Column(
        "long_trigger_price",
        FLOAT,
        "Price below the mark at which a cascade of long liquidations becomes self-sustaining; null if there is none",
        "usd",
        minimum=0,
    ),
    Column(
        "long_amplification",
        FLOAT,
        "Distance of that cascade's exhaustion divided by the distance of its trigger; null if there is none",
        "x",
        minimum=1,
    ),
    Column(
        "short_trigger_price",
        FLOAT,
        "Price above the mark at which a cascade of short liquidations becomes self-sustaining; null if there is none",
        "usd",
        minimum=0,
    ),
    Column(
        "short_amplification",
        FLOAT,
        "Distance of that cascade's exhaustion divided by the distance of its trigger; null if there is none",
        "x",
        minimum=1,
    ),
)
