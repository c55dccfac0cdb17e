"""Each column once: type, unit, meaning, bounds. Tables name these and add nothing."""

from __future__ import annotations

import polars as pl

from expectations.contract import Column

EXCHANGES = ("binance", "bybit", "okx")
SIDES = ("long", "short")
ESTIMATORS = ("fitted", "prior", "ladder", "distance", "open_interest", "range")
TRACK_STATUSES = ("active", "lost", "swept", "expired", "merged")
LEVERAGE_CLASSES = ("100x+", "50x", "25x", "10x", "5x", "3x", "2x")
SOURCES = r"simulated|recorded|live|imported(?::[a-z0-9._-]+)?"

_UTC = pl.Datetime("ms")  # naive by type, UTC by name: reads the same in every session and tool
_F = pl.Float64()
_S = pl.String()
_I = pl.Int64()
_B = pl.Boolean()


def _columns(*columns: Column) -> dict[str, Column]:
    return {column.name: column for column in columns}


def _landmarks(side: str, beyond: str) -> tuple[Column, ...]:
    """Of the summary, on one side of the mark: max pain, magnet and void."""
    return (
        Column(
            f"{side}_max_pain_price",
            _F,
            f"Middle of the bucket in which most {side}s would be liquidated; null where nothing stands",
            "usd",
            minimum=0,
        ),
        Column(f"{side}_max_pain_usd", _F, "Modelled notional in that bucket", "usd", minimum=0),
        Column(
            f"{side}_magnet_price",
            _F,
            f"Peak of the cluster of {side}s nearest to the mark; null where there is none",
            "usd",
            minimum=0,
        ),
        Column(f"{side}_magnet_bp", _F, "Distance of that cluster from the mark", "bp", minimum=0),
        Column(
            f"{side}_magnet_intensity",
            _F,
            "Its notional over that of as many neighbouring buckets; not an amount",
            minimum=0,
        ),
        Column(
            f"{side}_void_low",
            _F,
            f"Lower end of the widest range within 10 % {beyond} the mark that holds little: in each bucket at most "
            "half of what the side's median bucket there holds. The gap at the mark is none. Null where there is none",
            "usd",
            minimum=0,
        ),
        Column(f"{side}_void_high", _F, "Upper end of that range", "usd", minimum=0),
    )


COLUMNS = _columns(
    # who and where
    Column("exchange", _S, "Exchange; `all` where a row adds every exchange up", allowed=(*EXCHANGES, "all")),
    Column("instrument", _S, "The exchange's own name of the contract"),
    Column("coin", _S, "Underlying coin"),
    Column("date", pl.Date(), "UTC day of the row's time; a folder of the path"),
    Column("side", _S, "Side of the position that is, or would be, liquidated", allowed=SIDES),
    Column(
        "source",
        _S,
        "Where the input came from: simulated, recorded, live, or imported from a file, with the name it was given",
        pattern=SOURCES,
    ),
    Column("kind", _S, "Payoff of the contract", allowed=("linear", "inverse")),
    # when
    Column("hour_utc", _UTC, "The instant that the row is for; uses nothing published after it", "UTC"),
    Column("time_utc", _UTC, "Moment of the reading, as the exchange stamps it", "UTC"),
    Column("open_utc", _UTC, "Start of the bar", "UTC"),
    Column("sent_at_utc", _UTC, "When the request was sent", "UTC"),
    Column("received_at_utc", _UTC, "When the response was complete", "UTC"),
    Column("window_start_utc", _UTC, "Start of the range that was asked for", "UTC"),
    Column("window_end_utc", _UTC, "End of the range that was asked for", "UTC"),
    Column("valid_from_utc", _UTC, "From when this version applies", "UTC"),
    Column("valid_to_utc", _UTC, "Until when this version applies; null while it does", "UTC"),
    Column("listed_utc", _UTC, "When the exchange listed the contract", "UTC"),
    Column("started_at_utc", _UTC, "Start of the run", "UTC"),
    Column("finished_at_utc", _UTC, "End of the run", "UTC"),
    Column("first_hour_utc", _UTC, "First hour of the run", "UTC"),
    Column("last_hour_utc", _UTC, "Last hour of the run", "UTC"),
    Column("interval_minutes", _I, "Length of the bar, or from one reading to the next", "minutes", minimum=1),
    # payloads and fetches
    Column("endpoint", _S, "The adapter's name of the endpoint"),
    Column("request", _S, "Method, path and parameters; the host is not part of it"),
    Column("status", pl.Int32(), "HTTP status; null when no response came", minimum=100, maximum=599),
    Column("headers", _S, "Response headers that matter, as JSON"),
    Column("body", pl.Binary(), "The response body, byte for byte"),
    Column("sha256", _S, "SHA-256 of the body, in hex"),
    Column("outcome", _S, "`ok` or the named error"),
    Column("reason", _S, "One line for a person; empty when all is well"),
    Column("attempts", _I, "Requests sent until the outcome", minimum=0),
    Column("rows", _I, "Rows that the response gave", minimum=0),
    Column("bytes", _I, "Size of the response bodies", "bytes", minimum=0),
    Column("elapsed_ms", _I, "From first request to outcome", "ms", minimum=0),
    # instruments and tiers
    Column("contract_base", _F, "Coins in one contract (linear)", "coins", minimum=0),
    Column("contract_usd", _F, "Dollars in one contract (inverse)", "usd", minimum=0),
    Column(
        "unit_multiplier", _F, "Coins behind one unit of the exchange's name: 1000 for 1000PEPE", "coins", minimum=1
    ),
    Column("tick", _F, "Smallest price step", "usd", minimum=0),
    Column("trading_status", _S, "Whether it trades", allowed=("trading", "suspended", "closed")),
    Column("tier", _I, "Number of the risk tier, from the smallest position", minimum=1),
    Column("bound_unit", _S, "Unit of the tier's bounds", allowed=("usd", "base", "contracts")),
    Column("tier_floor", _F, "Position size from which the tier applies, in bound_unit", minimum=0),
    Column("tier_cap", _F, "Position size up to which the tier applies, in bound_unit", minimum=0),
    Column("maintenance_rate", _F, "Maintenance margin as a share of notional", minimum=0, maximum=1),
    Column("deduction", _F, "Taken off the maintenance margin so that tiers join", "usd", minimum=0),
    Column("max_leverage_x", _F, "Highest leverage the tier allows", "x", minimum=1),
    Column("tier_origin", _S, "Reported by the exchange, or its documented table", allowed=("reported", "documented")),
    # open interest and prices
    Column("reported", _F, "Open interest as the exchange prints it", minimum=0),
    Column("reported_unit", _S, "Unit of `reported`", allowed=("base", "contracts", "usd")),
    Column(
        "sides_counted", _I, "Sides that `reported` adds up; null where the exchange does not say", minimum=1, maximum=2
    ),
    Column(
        "origin",
        _S,
        "A snapshot of the moment; the exchange's history; or an archived file whose times no mark price could confirm, "
        "which may be five minutes off",
        allowed=("snapshot", "history", "archive"),
    ),
    Column("open_interest_base", _F, "Open interest of one side", "coins", minimum=0),
    Column("open_interest_usd", _F, "Open interest of one side, at the mark", "usd", minimum=0),
    Column("mark_price", _F, "Mark price at the row's time", "usd", minimum=0),
    Column("open", _F, "First price of the bar", "usd", minimum=0),
    Column("high", _F, "Highest price of the bar", "usd", minimum=0),
    Column("low", _F, "Lowest price of the bar", "usd", minimum=0),
    Column("close", _F, "Last price of the bar", "usd", minimum=0),
    Column(
        "price_kind",
        _S,
        "`mark`, or `trade` where the exchange gave no mark and trades stand in",
        allowed=("mark", "trade"),
    ),
    Column("volume_base", _F, "Traded volume; null where not published", "coins", minimum=0),
    Column("taker_buy_base", _F, "Volume that lifted offers; null where not published", "coins", minimum=0),
    Column("long_account_share", _F, "Accounts that are net long, as a share", minimum=0, maximum=1),
    Column("top_long_account_share", _F, "The same among the exchange's top traders", minimum=0, maximum=1),
    Column("top_long_position_share", _F, "Long share of the top traders' positions", minimum=0, maximum=1),
    Column("funding_rate", _F, "Funding paid by longs to shorts for the interval", minimum=-1, maximum=1),
    Column("seq", _I, "Order among events of one instant", minimum=0),
    Column("price", _F, "Price of the event or level", "usd", minimum=0),
    Column("size_base", _F, "Size", "coins", minimum=0),
    Column(
        "completeness",
        _S,
        "How much of the truth the feed holds: `complete`, `recent` (a list that may have been cut), `sampled`",
        allowed=("complete", "recent", "sampled"),
    ),
    # the map
    Column("price_bucket", pl.Int32(), "Index of the fixed 10 bp grid: floor(ln(price) / ln(1.001))"),
    Column("price_low", _F, "Lower edge", "usd", minimum=0),
    Column("price_high", _F, "Upper edge", "usd", minimum=0),
    Column("price_peak", _F, "Middle of the densest bucket", "usd", minimum=0),
    Column("leverage_class", _S, "Effective leverage, in the ladder's words", allowed=LEVERAGE_CLASSES),
    Column("leverage_x", _F, "Effective leverage: notional over margin", "x", minimum=0),
    Column("half_life_hours", _F, "Time in which half of such positions close by choice", "hours", minimum=0),
    Column(
        "notional_usd",
        _F,
        "Notional in dollars: modelled, of the positions that would be liquidated there; of a liquidation, its size "
        "at `price`",
        "usd",
        minimum=0,
    ),
    Column("notional_1d_usd", _F, "The part opened in the last day", "usd", minimum=0),
    Column("notional_7d_usd", _F, "The part opened in the last 7 days", "usd", minimum=0),
    Column("notional_30d_usd", _F, "The part opened in the last 30 days", "usd", minimum=0),
    Column("distance_bp", _F, "Distance from the mark", "bp", minimum=0),
    Column("cumulative_usd", _F, "Modelled notional between the mark and the distance", "usd", minimum=0),
    Column("cumulative_opened_1d_usd", _F, "The part opened in the last day", "usd", minimum=0),
    Column("cumulative_opened_7d_usd", _F, "The part opened in the last 7 days", "usd", minimum=0),
    Column("cumulative_opened_30d_usd", _F, "The part opened in the last 30 days", "usd", minimum=0),
    Column(
        "cumulative_p10_usd",
        _F,
        "10th percentile of `cumulative_usd`: the truth is lower once in ten",
        "usd",
        minimum=0,
    ),
    Column("cumulative_p50_usd", _F, "Median of `cumulative_usd`: what is modelled", "usd", minimum=0),
    Column(
        "cumulative_p90_usd",
        _F,
        "90th percentile of `cumulative_usd`: the truth is higher once in ten",
        "usd",
        minimum=0,
    ),
    Column("rank", _I, "1 is the largest on its side in that hour", minimum=1),
    Column("cluster_id", _S, "Coin, side and grid range: equal ids in two hours are the same range"),
    Column(
        "intensity", _F, "Notional over the mean notional of as many neighbouring buckets; not an amount", minimum=0
    ),
    Column("intensity_z", _F, "Notional of the range against its own last 7 days, in standard deviations"),
    Column("exchange_shares", _S, "Share of each exchange, as JSON"),
    # tracks of clusters
    Column("track_id", _S, "A cluster's name while it is followed: coin, side, hour of its birth and grid range then"),
    Column("born_utc", _UTC, "The hour in which it was first found", "UTC"),
    Column("born_usd", _F, "Modelled notional then", "usd", minimum=0),
    Column("largest_usd", _F, "The most that it has held so far, modelled", "usd", minimum=0),
    Column("largest_utc", _UTC, "The hour in which it held that, the first such", "UTC"),
    Column("seen_utc", _UTC, "The last hour in which it was found", "UTC"),
    Column(
        "track_status", _S, "Whether it stands, was not found in this hour, or how it ended", allowed=TRACK_STATUSES
    ),
    Column(
        "split_from_track_id", _S, "The track whose range it had a part of when it was born; null where it had none"
    ),
    Column("merged_into_track_id", _S, "The track that went on in the cluster that it met"),
    Column("swept_utc", _UTC, "Open of the first bar whose mark reached its peak", "UTC"),
    Column(
        "swept_by_exchange",
        _S,
        "Whose mark that was; of several in one bar the one that went furthest",
        allowed=EXCHANGES,
    ),
    Column(
        "realised_is_complete",
        _B,
        "Whether every exchange's feed of the hour was read in full and holds all; null where none was read",
    ),
    Column("long_usd", _F, "Long notional within the distance below the mark", "usd", minimum=0),
    Column("short_usd", _F, "Short notional within the distance above the mark", "usd", minimum=0),
    Column("imbalance", _F, "(long - short) / (long + short): positive when longs are heavier", minimum=-1, maximum=1),
    Column("is_stale", _B, "Carried from an earlier hour because the exchange was missing"),
    Column(
        "gap_log_sd",
        _F,
        "How far the map may be off for the hours it has not seen, before its history and in holes of it: standard "
        "deviation of the log of what stands; 0 where it has seen the last 30 days, and 1.5 is the most that is said",
        minimum=0,
        maximum=1.5,
    ),
    Column("parameters_version", _S, "Version of the assumptions, in model.model_parameters"),
    # cascades
    Column(
        "trigger_price",
        _F,
        "The nearest price at which R reaches 1; null where it does nowhere on the map",
        "usd",
        minimum=0,
    ),
    Column("trigger_bp", _F, "Its distance from the mark", "bp", minimum=0),
    Column(
        "exhaustion_price",
        _F,
        "Going on outward from the trigger, where R falls below 1 again, or where the map ends",
        "usd",
        minimum=0,
    ),
    Column("exhaustion_bp", _F, "Its distance from the mark", "bp", minimum=0),
    Column("is_open_ended", _B, "The map ends before R falls below 1: exhaustion is at least that far"),
    Column(
        "amplification",
        _F,
        "Exhaustion's distance over the trigger's: how many times as far as it is pushed the price then goes",
        "x",
        minimum=1,
    ),
    Column(
        "largest_ratio",
        _F,
        "The largest R; null where nothing stands, and where volatility or volume is not known",
        minimum=0,
    ),
    Column("largest_ratio_price", _F, "The price at which R is largest", "usd", minimum=0),
    Column("impact_y", _F, "Constant of the square-root impact law", minimum=0),
    Column("impact_y_low", _F, "Lower end of its range: 95 in 100 such ranges hold it", minimum=0),
    Column("impact_y_high", _F, "Upper end of its range", minimum=0),
    Column("impact_is_fitted", _B, "Fitted to what traded; else the stated prior, with its range"),
    Column(
        "daily_volatility",
        _F,
        "Volatility of a day, of 1, from the hours of the 30 full days before; null where fewer than 12 are known",
        minimum=0,
    ),
    Column(
        "daily_volume_usd",
        _F,
        "What the exchanges traded on an average one of those days, added up; null where none of them told",
        "usd",
        minimum=0,
    ),
    Column("reached_exchange", _S, "Exchange whose positions are reached", allowed=EXCHANGES),
    Column("pushed_from_price", _F, "Far edge of the cluster in which the exchange holds most", "usd", minimum=0),
    Column("pushed_to_price", _F, "Where its liquidations up to there would move the price on to", "usd", minimum=0),
    Column("pushing_usd", _F, "Modelled notional of the exchange from the mark to that edge", "usd", minimum=0),
    Column("reached_usd", _F, "Modelled notional of the reached exchange between the two prices", "usd", minimum=0),
    Column(
        "reached_cluster_id",
        _S,
        "The first cluster beyond that the range touches and the reached exchange has a share in; null for none",
    ),
    # the summary
    Column("month", _S, "UTC month of the row's time, as in 2026-01; a folder of the path", pattern=r"\d{4}-\d{2}"),
    *_landmarks("long", "below"),
    *_landmarks("short", "above"),
    Column("long_1pct_usd", _F, "Long notional within 1 % below the mark", "usd", minimum=0),
    Column("short_1pct_usd", _F, "Short notional within 1 % above the mark", "usd", minimum=0),
    Column(
        "imbalance_1pct",
        _F,
        "(long - short) / (long + short) within 1 %: positive when longs are heavier",
        minimum=-1,
        maximum=1,
    ),
    Column("long_2pct_usd", _F, "Long notional within 2 % below the mark", "usd", minimum=0),
    Column("short_2pct_usd", _F, "Short notional within 2 % above the mark", "usd", minimum=0),
    Column(
        "imbalance_2pct",
        _F,
        "(long - short) / (long + short) within 2 %: positive when longs are heavier",
        minimum=-1,
        maximum=1,
    ),
    Column("long_5pct_usd", _F, "Long notional within 5 % below the mark", "usd", minimum=0),
    Column("short_5pct_usd", _F, "Short notional within 5 % above the mark", "usd", minimum=0),
    Column(
        "imbalance_5pct",
        _F,
        "(long - short) / (long + short) within 5 %: positive when longs are heavier",
        minimum=-1,
        maximum=1,
    ),
    Column(
        "long_trigger_price",
        _F,
        "Where liquidations of longs would begin to feed themselves; null where they would nowhere",
        "usd",
        minimum=0,
    ),
    Column("long_amplification", _F, "How many times as far as it is pushed there the price then goes", "x", minimum=1),
    Column(
        "short_trigger_price",
        _F,
        "Where liquidations of shorts would begin to feed themselves; null where they would nowhere",
        "usd",
        minimum=0,
    ),
    Column(
        "short_amplification", _F, "How many times as far as it is pushed there the price then goes", "x", minimum=1
    ),
    # books
    Column("opening_base", _F, "Standing at the hour before", "coins", minimum=0),
    Column("opened_base", _F, "Opened in the hour", "coins", minimum=0),
    Column("closed_base", _F, "Closed by choice in the hour", "coins", minimum=0),
    Column("liquidated_base", _F, "Liquidated in the hour, as modelled: the mark went through", "coins", minimum=0),
    Column("closing_base", _F, "Standing at the hour", "coins", minimum=0),
    Column("in_map_base", _F, "Standing inside the map's price range", "coins", minimum=0),
    Column("beyond_map_base", _F, "Standing beyond the map's price range", "coins", minimum=0),
    Column("unliquidatable_base", _F, "Taken as never liquidated: hedged or unleveraged", "coins", minimum=0),
    # scores
    Column("estimator", _S, "Who predicted: ours, or a baseline that a map has to beat", allowed=ESTIMATORS),
    Column("scored_from_utc", _UTC, "Start of the days that are judged", "UTC"),
    Column("scored_days", _I, "Days before `date` that are judged", "days", minimum=1),
    Column("hours", _I, "Hours of those days that were read in full and predicted", "hours", minimum=0),
    Column(
        "rank_correlation",
        _F,
        "Spearman's, over the hours, of what was predicted with what was realised: 1 is the same order",
        minimum=-1,
        maximum=1,
    ),
    Column(
        "poisson_deviance",
        _F,
        "Of what was realised about what was predicted, scaled, for each dollar realised: 0 is perfect",
        minimum=0,
    ),
    Column(
        "predicted_usd",
        _F,
        "Modelled notional that was said to stand where the mark then went; of a score, over its hours",
        "usd",
        minimum=0,
    ),
    Column("scale", _F, "Realised over predicted in the days before those that are judged", minimum=0),
    Column("scale_hours", _I, "Hours that `scale` was learnt from", "hours", minimum=0),
    # sweeps
    Column("previous_mark_price", _F, "Mark price at the hour before", "usd", minimum=0),
    Column("lowest_mark_price", _F, "Lowest mark in the hour: longs down to it were reached", "usd", minimum=0),
    Column("highest_mark_price", _F, "Highest mark in the hour: shorts up to it were reached", "usd", minimum=0),
    Column(
        "predicted_usd",
        _F,
        "Notional that the map of the hour before held between its mark and the worst mark of the hour",
        "usd",
        minimum=0,
    ),
    Column(
        "modelled_usd",
        _F,
        "`liquidated_base` at the geometric middle of the hour's best and worst mark",
        "usd",
        minimum=0,
    ),
    Column(
        "realised_usd",
        _F,
        "Liquidated in the hour, as exchanges published it; null where no feed was read in full",
        "usd",
        minimum=0,
    ),
    Column("realised_count", _I, "Liquidations behind `realised_usd`", minimum=0),
    # state
    Column("position_class", pl.Int32(), "Index of the leverage class, from 1; 0 holds the place of nobody", minimum=0),
    Column("holding_class", pl.Int32(), "Index of the holding class, from the shortest", minimum=0),
    Column("initialised_utc", _UTC, "When a typical crowd was seated: where the history of the map begins", "UTC"),
    Column("opened_utc", _UTC, "End of the hour in which the cohort was opened", "UTC"),
    Column("entry_bucket", pl.Int32(), "Index of the entry price on the fixed 10 bp grid"),
    Column("reached_bucket", pl.Int32(), "Farthest bucket that the mark reached in the hour after the opening"),
    Column(
        "hour_began_bucket",
        pl.Int32(),
        "What the mark had reached when the hour began: longs from it up are liquidated, shorts from it down",
    ),
    Column("hour_reached_bucket", pl.Int32(), "Farthest bucket that the mark reached in the hour"),
    Column("activity_base", _F, "What would stand, were all activity opened in this class", "coins", minimum=0),
    Column("activity_1d_base", _F, "The part opened in the last day", "coins", minimum=0),
    Column("activity_7d_base", _F, "The part opened in the last 7 days", "coins", minimum=0),
    Column("activity_30d_base", _F, "The part opened in the last 30 days", "coins", minimum=0),
    Column("turnover_per_hour", _F, "Taker volume of a typical hour over open interest", minimum=0),
    Column("exposure_usd", _F, "What would have been swept, were all of this class", "usd", minimum=0),
    # parameters
    Column("version", _S, "Name of the set of assumptions"),
    Column("parameter", _S, "Name of the assumption"),
    Column("value", _F, "Its value"),
    Column("basis", _S, "Where the value comes from", allowed=("prior", "fitted")),
    # ops
    Column("run_id", _S, "Name of the run"),
    Column("run_status", _S, "How it ended", allowed=("published", "partial", "failed", "nothing_new")),
    Column("coins", _S, "Coins of the run, comma separated"),
    Column("exchanges", _S, "Exchanges of the run, comma separated"),
    Column("fetched", _I, "Requests answered", minimum=0),
    Column("published", _I, "Partitions published", minimum=0),
    Column("quarantined", _I, "Partitions held back", minimum=0),
    Column("table_name", _S, "Table, without its layer"),
    Column("partition", _S, "Partition, as in the path"),
    Column("built_day", pl.Date(), "Day whose rows were built; the day of publication where a build adds to all rows"),
    Column("content_digest", _S, "Digest of the rows of the file", pattern="[0-9a-f]{32}"),
    Column("built_from", _S, "What the rows were built from, as JSON: digests by input, contract and code; parameters"),
    Column("published_at_utc", _UTC, "When the partition was published", "UTC"),
    Column("check_name", _S, "Name of the check"),
    Column("severity", _S, "FAIL holds the partition back; WARN records", allowed=("FAIL", "WARN")),
    Column("passed", _B, "Whether it held"),
    Column("failing_rows", _I, "Rows on which it did not", minimum=0),
    Column("series", _S, "Which series: open_interest, price_bars or traded_volume"),
    Column("state", _S, "What stands in its place", allowed=("missing", "carried", "derived")),
)
"""Column name -> its declaration."""


def pick(*names: str) -> tuple[Column, ...]:
    """The named columns, in order; KeyError for a name that is not declared."""
    return tuple(COLUMNS[name] for name in names)
