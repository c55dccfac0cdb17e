"""Columns of clusters, their history, cascades and the hourly summary."""

from __future__ import annotations

from expectations.columns.kinds import EXCHANGES, FLAG, FLOAT, TEXT, UTC, WHOLE
from expectations.contract import Column

TRACK_STATUSES = ("active", "lost", "swept", "expired", "merged")


def _landmarks(side: str, beyond: str) -> tuple[Column, ...]:
    """Of the summary, on one side of the mark: max pain, magnet and void."""
    return (
        Column(
            f"{side}_max_pain_price",
            FLOAT,
            f"Middle of the bucket in which most {side}s would be liquidated; null where nothing stands",
            "usd",
            minimum=0,
        ),
        Column(f"{side}_max_pain_usd", FLOAT, "Modelled notional in that bucket", "usd", minimum=0),
        Column(
            f"{side}_magnet_price",
            FLOAT,
            f"Peak of the cluster of {side}s nearest to the mark; null where there is none",
            "usd",
            minimum=0,
        ),
        Column(f"{side}_magnet_bp", FLOAT, "Distance of that cluster from the mark", "bp", minimum=0),
        Column(
            f"{side}_magnet_intensity",
            FLOAT,
            "Its notional over that of as many neighbouring buckets; not an amount",
            minimum=0,
        ),
        Column(
            f"{side}_void_low",
            FLOAT,
            f"Lower end of the widest range within 10 % {beyond} the mark that holds little: in each bucket at most "
            "half of what the side's median bucket there holds. The gap at the mark is none. Null where there is none",
            "usd",
            minimum=0,
        ),
        Column(f"{side}_void_high", FLOAT, "Upper end of that range", "usd", minimum=0),
    )


COLUMNS = (
    # clusters
    Column("rank", WHOLE, "1 is the largest on its side in that hour", minimum=1),
    Column("cluster_id", TEXT, "Coin, side and grid range: equal ids in two hours are the same range"),
    Column(
        "intensity", FLOAT, "Notional over the mean notional of as many neighbouring buckets; not an amount", minimum=0
    ),
    Column("intensity_z", FLOAT, "Notional of the range against its own last 7 days, in standard deviations"),
    Column("exchange_shares", TEXT, "Share of each exchange, as JSON"),
    # tracks of clusters
    Column(
        "track_id", TEXT, "A cluster's name while it is followed: coin, side, hour of its birth and grid range then"
    ),
    Column("born_utc", UTC, "The hour in which it was first found", "UTC"),
    Column("born_usd", FLOAT, "Modelled notional then", "usd", minimum=0),
    Column("largest_usd", FLOAT, "The most that it has held so far, modelled", "usd", minimum=0),
    Column("largest_utc", UTC, "The hour in which it held that, the first such", "UTC"),
    Column("seen_utc", UTC, "The last hour in which it was found", "UTC"),
    Column(
        "track_status", TEXT, "Whether it stands, was not found in this hour, or how it ended", allowed=TRACK_STATUSES
    ),
    Column(
        "split_from_track_id", TEXT, "The track whose range it had a part of when it was born; null where it had none"
    ),
    Column("merged_into_track_id", TEXT, "The track that went on in the cluster that it met"),
    Column("swept_utc", UTC, "Open of the first bar whose mark reached its peak", "UTC"),
    Column(
        "swept_by_exchange",
        TEXT,
        "Whose mark that was; of several in one bar the one that went furthest",
        allowed=EXCHANGES,
    ),
    Column(
        "realised_is_complete",
        FLAG,
        "Whether every exchange's feed of the hour was read in full and holds all; null where none was read",
    ),
    # cascades
    Column(
        "trigger_price",
        FLOAT,
        "The nearest price at which R reaches 1; null where it does nowhere on the map",
        "usd",
        minimum=0,
    ),
    Column("trigger_bp", FLOAT, "Its distance from the mark", "bp", minimum=0),
    Column(
        "exhaustion_price",
        FLOAT,
        "Going on outward from the trigger, where R falls below 1 again, or where the map ends",
        "usd",
        minimum=0,
    ),
    Column("exhaustion_bp", FLOAT, "Its distance from the mark", "bp", minimum=0),
    Column("is_open_ended", FLAG, "The map ends before R falls below 1: exhaustion is at least that far"),
    Column(
        "amplification",
        FLOAT,
        "Exhaustion's distance over the trigger's: how many times as far as it is pushed the price then goes",
        "x",
        minimum=1,
    ),
    Column(
        "largest_ratio",
        FLOAT,
        "The largest R; null where nothing stands, and where volatility or volume is not known",
        minimum=0,
    ),
    Column("largest_ratio_price", FLOAT, "The price at which R is largest", "usd", minimum=0),
    Column("impact_y", FLOAT, "Constant of the square-root impact law", minimum=0),
    Column("impact_y_low", FLOAT, "Lower end of its range: 95 in 100 such ranges hold it", minimum=0),
    Column("impact_y_high", FLOAT, "Upper end of its range", minimum=0),
    Column("impact_is_fitted", FLAG, "Fitted to what traded; else the stated prior, with its range"),
    Column(
        "daily_volatility",
        FLOAT,
        "Volatility of a day, of 1, from the hours of the 30 full days before; null where fewer than 12 are known",
        minimum=0,
    ),
    Column(
        "daily_volume_usd",
        FLOAT,
        "What the exchanges traded on an average one of those days, added up; null where none of them told",
        "usd",
        minimum=0,
    ),
    Column("reached_exchange", TEXT, "Exchange whose positions are reached", allowed=EXCHANGES),
    Column("pushed_from_price", FLOAT, "Far edge of the cluster in which the exchange holds most", "usd", minimum=0),
    Column("pushed_to_price", FLOAT, "Where its liquidations up to there would move the price on to", "usd", minimum=0),
    Column("pushing_usd", FLOAT, "Modelled notional of the exchange from the mark to that edge", "usd", minimum=0),
    Column("reached_usd", FLOAT, "Modelled notional of the reached exchange between the two prices", "usd", minimum=0),
    Column(
        "reached_cluster_id",
        TEXT,
        "The first cluster beyond that the range touches and the reached exchange has a share in; null for none",
    ),
    # the summary
    Column("month", TEXT, "UTC month of the row's time, as in 2026-01; a folder of the path", pattern=r"\d{4}-\d{2}"),
    *_landmarks("long", "below"),
    *_landmarks("short", "above"),
    Column("long_1pct_usd", FLOAT, "Long notional within 1 % below the mark", "usd", minimum=0),
    Column("short_1pct_usd", FLOAT, "Short notional within 1 % above the mark", "usd", minimum=0),
    Column(
        "imbalance_1pct",
        FLOAT,
        "(long - short) / (long + short) within 1 %: positive when longs are heavier",
        minimum=-1,
        maximum=1,
    ),
    Column("long_2pct_usd", FLOAT, "Long notional within 2 % below the mark", "usd", minimum=0),
    Column("short_2pct_usd", FLOAT, "Short notional within 2 % above the mark", "usd", minimum=0),
    Column(
        "imbalance_2pct",
        FLOAT,
        "(long - short) / (long + short) within 2 %: positive when longs are heavier",
        minimum=-1,
        maximum=1,
    ),
    Column("long_5pct_usd", FLOAT, "Long notional within 5 % below the mark", "usd", minimum=0),
    Column("short_5pct_usd", FLOAT, "Short notional within 5 % above the mark", "usd", minimum=0),
    Column(
        "imbalance_5pct",
        FLOAT,
        "(long - short) / (long + short) within 5 %: positive when longs are heavier",
        minimum=-1,
        maximum=1,
    ),
    Column(
        "long_trigger_price",
        FLOAT,
        "Where liquidations of longs would begin to feed themselves; null where they would nowhere",
        "usd",
        minimum=0,
    ),
    Column(
        "long_amplification", FLOAT, "How many times as far as it is pushed there the price then goes", "x", minimum=1
    ),
    Column(
        "short_trigger_price",
        FLOAT,
        "Where liquidations of shorts would begin to feed themselves; null where they would nowhere",
        "usd",
        minimum=0,
    ),
    Column(
        "short_amplification",
        FLOAT,
        "How many times as far as it is pushed there the price then goes",
        "x",
        minimum=1,
    ),
)
