"""Columns of what is asked of the exchanges and logged: keys, times, responses, instruments, runs."""

from __future__ import annotations

import polars as pl

from expectations.columns.kinds import EXCHANGES, FLAG, FLOAT, SIDES, TEXT, UTC, WHOLE
from expectations.contract import Column

SOURCES = r"simulated|recorded|live|imported(?::[a-z0-9._-]+)?"

COLUMNS = (
    # who and where
    Column("exchange", TEXT, "Exchange; `all` where a row adds every exchange up", allowed=(*EXCHANGES, "all")),
    Column("instrument", TEXT, "The exchange's own name of the contract"),
    Column("coin", TEXT, "Underlying coin"),
    Column("date", pl.Date(), "UTC day of the row's time; a folder of the path"),
    Column("side", TEXT, "Side of the position that is, or would be, liquidated", allowed=SIDES),
    Column(
        "source",
        TEXT,
        "Where the input came from: simulated, recorded, live, or imported from a file, with the name it was given",
        pattern=SOURCES,
    ),
    Column("kind", TEXT, "Payoff of the contract", allowed=("linear", "inverse")),
    # when
    Column("hour_utc", UTC, "The instant that the row is for; uses nothing published after it", "UTC"),
    Column("time_utc", UTC, "Moment of the reading, as the exchange stamps it", "UTC"),
    Column("open_utc", UTC, "Start of the bar", "UTC"),
    Column("sent_at_utc", UTC, "When the request was sent", "UTC"),
    Column("received_at_utc", UTC, "When the response was complete", "UTC"),
    Column("window_start_utc", UTC, "Start of the range that was asked for", "UTC"),
    Column("window_end_utc", UTC, "End of the range that was asked for", "UTC"),
    Column("valid_from_utc", UTC, "From when this version applies", "UTC"),
    Column("valid_to_utc", UTC, "Until when this version applies; null while it does", "UTC"),
    Column("listed_utc", UTC, "When the exchange listed the contract", "UTC"),
    Column("started_at_utc", UTC, "Start of the run", "UTC"),
    Column("finished_at_utc", UTC, "End of the run", "UTC"),
    Column("first_hour_utc", UTC, "First hour of the run", "UTC"),
    Column("last_hour_utc", UTC, "Last hour of the run", "UTC"),
    Column("interval_minutes", WHOLE, "Length of the bar, or from one reading to the next", "minutes", minimum=1),
    # payloads and fetches
    Column("endpoint", TEXT, "The adapter's name of the endpoint"),
    Column("request", TEXT, "Method, path and parameters; the host is not part of it"),
    Column("status", pl.Int32(), "HTTP status; null when no response came", minimum=100, maximum=599),
    Column("headers", TEXT, "Response headers that matter, as JSON"),
    Column("body", pl.Binary(), "The response body, byte for byte"),
    Column("sha256", TEXT, "SHA-256 of the body, in hex"),
    Column("outcome", TEXT, "`ok` or the named error"),
    Column("reason", TEXT, "One line for a person; empty when all is well"),
    Column("attempts", WHOLE, "Requests sent until the outcome", minimum=0),
    Column("rows", WHOLE, "Rows that the response gave", minimum=0),
    Column("bytes", WHOLE, "Size of the response bodies", "bytes", minimum=0),
    Column("elapsed_ms", WHOLE, "From first request to outcome", "ms", minimum=0),
    # instruments and tiers
    Column("contract_base", FLOAT, "Coins in one contract (linear)", "coins", minimum=0),
    Column("contract_usd", FLOAT, "Dollars in one contract (inverse)", "usd", minimum=0),
    Column(
        "unit_multiplier", FLOAT, "Coins behind one unit of the exchange's name: 1000 for 1000PEPE", "coins", minimum=1
    ),
    Column("tick", FLOAT, "Smallest price step", "usd", minimum=0),
    Column("trading_status", TEXT, "Whether it trades", allowed=("trading", "suspended", "closed")),
    Column("tier", WHOLE, "Number of the risk tier, from the smallest position", minimum=1),
    Column("bound_unit", TEXT, "Unit of the tier's bounds", allowed=("usd", "base", "contracts")),
    Column("tier_floor", FLOAT, "Position size from which the tier applies, in bound_unit", minimum=0),
    Column("tier_cap", FLOAT, "Position size up to which the tier applies, in bound_unit", minimum=0),
    Column("maintenance_rate", FLOAT, "Maintenance margin as a share of notional", minimum=0, maximum=1),
    Column("deduction", FLOAT, "Taken off the maintenance margin so that tiers join", "usd", minimum=0),
    Column("max_leverage_x", FLOAT, "Highest leverage the tier allows", "x", minimum=1),
    Column(
        "tier_origin", TEXT, "Reported by the exchange, or its documented table", allowed=("reported", "documented")
    ),
    # ops
    Column("run_id", TEXT, "Name of the run"),
    Column("run_status", TEXT, "How it ended", allowed=("published", "partial", "failed", "nothing_new")),
    Column("coins", TEXT, "Coins of the run, comma separated"),
    Column("exchanges", TEXT, "Exchanges of the run, comma separated"),
    Column("fetched", WHOLE, "Requests answered", minimum=0),
    Column("published", WHOLE, "Partitions published", minimum=0),
    Column("quarantined", WHOLE, "Partitions held back", minimum=0),
    Column("table_name", TEXT, "Table, without its layer"),
    Column("partition", TEXT, "Partition, as in the path"),
    Column("built_day", pl.Date(), "Day whose rows were built; the day of publication where a build adds to all rows"),
    Column("content_digest", TEXT, "Digest of the rows of the file", pattern="[0-9a-f]{32}"),
    Column(
        "built_from", TEXT, "What the rows were built from, as JSON: digests by input, contract and code; parameters"
    ),
    Column("published_at_utc", UTC, "When the partition was published", "UTC"),
    Column("check_name", TEXT, "Name of the check"),
    Column("severity", TEXT, "FAIL holds the partition back; WARN records", allowed=("FAIL", "WARN")),
    Column("passed", FLAG, "Whether it held"),
    Column("failing_rows", WHOLE, "Rows on which it did not", minimum=0),
    Column("series", TEXT, "Which series: open_interest, price_bars or traded_volume"),
    Column("state", TEXT, "What stands in its place", allowed=("missing", "carried", "derived")),
)
