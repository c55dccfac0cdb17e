"""Columns of ingestion and logs: keys, times, responses, instruments, runs."""

from __future__ import annotations

import polars as pl

from expectations.columns.kinds import EXCHANGES, FLAG, FLOAT, SIDES, TEXT, UTC, WHOLE
from expectations.contract import Column

SOURCES = r"simulated|recorded|live|imported(?::[a-z0-9._-]+)?"

COLUMNS = (
    # keys
    Column("exchange", TEXT, "Exchange; `all` for the sum over all exchanges", allowed=(*EXCHANGES, "all")),
    Column("instrument", TEXT, "Name of the contract on the exchange"),
    Column("coin", TEXT, "Underlying coin"),
    Column("date", pl.Date(), "UTC day of the row's time; a folder in the path"),
    Column("side", TEXT, "Side of the position that is or would be liquidated", allowed=SIDES),
    Column(
        "source",
        TEXT,
        "Origin of the input: simulated, recorded, live, or imported from a file under the name after the colon",
        pattern=SOURCES,
    ),
    Column("kind", TEXT, "Payoff of the contract", allowed=("linear", "inverse")),
    # times
    Column("hour_utc", UTC, "End of the hour; the row uses nothing published later", "UTC"),
    Column("time_utc", UTC, "Time of the reading, as stamped by the exchange", "UTC"),
    Column("open_utc", UTC, "Start of the bar", "UTC"),
    Column("sent_at_utc", UTC, "Time at which the request was sent", "UTC"),
    Column("received_at_utc", UTC, "Time at which the response was complete", "UTC"),
    Column("window_start_utc", UTC, "Start of the requested range", "UTC"),
    Column("window_end_utc", UTC, "End of the requested range", "UTC"),
    Column("valid_from_utc", UTC, "Start of this version's validity", "UTC"),
    Column("valid_to_utc", UTC, "End of this version's validity; null for the current version", "UTC"),
    Column("listed_utc", UTC, "Time at which the exchange listed the contract", "UTC"),
    Column("started_at_utc", UTC, "Start of the run", "UTC"),
    Column("finished_at_utc", UTC, "End of the run", "UTC"),
    Column("first_hour_utc", UTC, "First hour of the run", "UTC"),
    Column("last_hour_utc", UTC, "Last hour of the run", "UTC"),
    Column("interval_minutes", WHOLE, "Length of the bar", "minutes", minimum=1),
    # payloads and fetches
    Column("endpoint", TEXT, "Name of the endpoint in the adapter"),
    Column("request", TEXT, "Method, path and parameters, without the host"),
    Column("status", pl.Int32(), "HTTP status; null if no response arrived", minimum=100, maximum=599),
    Column("headers", TEXT, "Relevant response headers, as JSON"),
    Column("body", pl.Binary(), "Response body, byte for byte"),
    Column("sha256", TEXT, "SHA-256 of the body, in hex"),
    Column("outcome", TEXT, "`ok` or the name of the error"),
    Column("reason", TEXT, "Explanation in one line; empty if nothing is wrong"),
    Column("attempts", WHOLE, "Requests sent until the outcome was known", minimum=0),
    Column("rows", WHOLE, "Rows in the response", minimum=0),
    Column("bytes", WHOLE, "Total size of the response bodies", "bytes", minimum=0),
    Column("elapsed_ms", WHOLE, "Time from the first request to the outcome", "ms", minimum=0),
    # instruments and tiers
    Column("contract_base", FLOAT, "Coins per contract (linear)", "coins", minimum=0),
    Column("contract_usd", FLOAT, "Dollars per contract (inverse)", "usd", minimum=0),
    Column("unit_multiplier", FLOAT, "Coins per unit of the exchange's name: 1000 for 1000PEPE", "coins", minimum=1),
    Column("tick", FLOAT, "Smallest price step", "usd", minimum=0),
    Column("trading_status", TEXT, "Trading status of the contract", allowed=("trading", "suspended", "closed")),
    Column("tier", WHOLE, "Number of the risk tier; 1 is for the smallest positions", minimum=1),
    Column("bound_unit", TEXT, "Unit of the tier's bounds", allowed=("usd", "base", "contracts")),
    Column("tier_floor", FLOAT, "Position size at which the tier begins, in `bound_unit`", minimum=0),
    Column("tier_cap", FLOAT, "Position size at which the tier ends, in `bound_unit`", minimum=0),
    Column("maintenance_rate", FLOAT, "Maintenance margin as a share of notional", minimum=0, maximum=1),
    Column(
        "deduction",
        FLOAT,
        "Amount deducted from the maintenance margin, so that it is continuous across tiers",
        "usd",
        minimum=0,
    ),
    Column("max_leverage_x", FLOAT, "Highest leverage that the tier allows", "x", minimum=1),
    Column(
        "tier_origin",
        TEXT,
        "Reported by the exchange, or taken from its documentation",
        allowed=("reported", "documented"),
    ),
    # ops
    Column("run_id", TEXT, "Identifier of the run"),
    Column("run_status", TEXT, "Outcome of the run", allowed=("published", "partial", "failed", "nothing_new")),
    Column("coins", TEXT, "Coins of the run, comma separated"),
    Column("exchanges", TEXT, "Exchanges of the run, comma separated"),
    Column("fetched", WHOLE, "Requests that were answered", minimum=0),
    Column("published", WHOLE, "Partitions published", minimum=0),
    Column("quarantined", WHOLE, "Partitions that failed a check and were not published", minimum=0),
    Column("table_name", TEXT, "Table name without its layer"),
    Column("partition", TEXT, "Partition, as in the path"),
    Column(
        "built_day",
        pl.Date(),
        "Day whose rows were built; the day of publication for a build that adds to existing rows",
    ),
    Column("content_digest", TEXT, "Digest of the file's rows", pattern="[0-9a-f]{32}"),
    Column("built_from", TEXT, "Provenance as JSON: digests of inputs, contract and code, and the parameters"),
    Column("published_at_utc", UTC, "Time at which the partition was published", "UTC"),
    Column("check_name", TEXT, "Name of the check"),
    Column("severity", TEXT, "FAIL quarantines the partition; WARN only records the failure", allowed=("FAIL", "WARN")),
    Column("passed", FLAG, "True if the check passed"),
    Column("failing_rows", WHOLE, "Rows that fail the check", minimum=0),
    Column("series", TEXT, "Series with the gap: open_interest, price_bars or traded_volume"),
    Column(
        "state",
        TEXT,
        "Missing, carried from an earlier minute of the hour, or derived from another series",
        allowed=("missing", "carried", "derived"),
    ),
)
