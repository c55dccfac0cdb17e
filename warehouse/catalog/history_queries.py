"""Questions that pictures of the past ask of the catalog: the macros where there is one, else SQL over the views."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl

from transforms.charts import level_history
from transforms.charts.heatmap_rows import SPANS, Heat, buckets_a_row, step
from transforms.charts.snapshot import Snapshot
from warehouse.catalog.snapshot_queries import query
from warehouse.clock import HOUR

# What the mark did in the hour; an hour of which no bars are known has its mark alone.
_PATH = """
    WITH ranges AS (
        SELECT hour_utc, min(lowest_mark_price) AS low, max(highest_mark_price) AS high
        FROM mart.sweeps
        WHERE coin = $coin AND date >= $since::DATE AND exchange = $exchange
        GROUP BY hour_utc
    )
    SELECT b.hour_utc, b.mark_price, coalesce(low, b.mark_price) AS lowest, coalesce(high, b.mark_price) AS highest
    FROM mart.market_balance AS b LEFT JOIN ranges USING (hour_utc)
    WHERE b.coin = $coin AND b.date >= $since::DATE AND b.hour_utc > $since AND b.hour_utc <= $hour
      AND b.distance_bp = 100
    ORDER BY hour_utc
"""
_HEATMAP = "FROM heatmap($coin, $hour, hours := $hours, step := $step, buckets := $buckets)"

_LEVEL = """FROM level_history($coin, $price, since := $since) WHERE hour_utc <= $hour ORDER BY hour_utc"""
_BALANCE = """
    WITH ranges AS (
        SELECT hour_utc, distance_bp, side, cumulative_p10_usd AS low_usd, cumulative_p90_usd AS high_usd
        FROM mart.liquidation_curve
        WHERE coin = $coin AND date >= $since::DATE AND hour_utc > $since AND hour_utc <= $hour AND exchange = 'all'
    ), sides AS (
        UNPIVOT (
            SELECT hour_utc, distance_bp, long_usd AS long, short_usd AS short, imbalance, is_stale,
                   parameters_version, source
            FROM mart.market_balance
            WHERE coin = $coin AND date >= $since::DATE AND hour_utc > $since AND hour_utc <= $hour
              AND date_diff('hour', hour_utc, $hour::TIMESTAMP) % $step = 0
        ) ON long, short INTO NAME side VALUE usd
    )
    FROM sides LEFT JOIN ranges USING (hour_utc, distance_bp, side) ORDER BY hour_utc, distance_bp, side
"""
_SWEEPS = """
    SELECT hour_utc, exchange, side, sum(predicted_usd) AS predicted_usd, sum(realised_usd) AS realised_usd,
           min(completeness) AS completeness, any_value(source) AS source
    FROM mart.sweeps
    WHERE coin = $coin AND date >= $since::DATE AND hour_utc > $since AND hour_utc <= $hour
    GROUP BY hour_utc, exchange, side
    ORDER BY hour_utc, exchange, side
"""
_SCORES = """
    FROM mart.map_scores
    WHERE coin = $coin AND date = (SELECT max(date) FROM mart.map_scores WHERE coin = $coin AND date <= $date)
    ORDER BY exchange, instrument, side, estimator
"""
_LIVES = """
    FROM mart.cluster_history
    WHERE coin = $coin AND date >= $since::DATE AND hour_utc > $since AND hour_utc <= $hour
    QUALIFY row_number() OVER (PARTITION BY side, track_id ORDER BY hour_utc DESC) = 1
    ORDER BY hour_utc, side, track_id
"""
_CASCADE = "FROM mart.cascade_risk WHERE coin = $coin AND date = $date AND hour_utc = $hour ORDER BY side"

_SUMMARY = "FROM mart.market_summary WHERE coin = $coin AND hour_utc = $hour"


def path(catalog: duckdb.DuckDBPyConnection, market: Snapshot, since: datetime) -> pl.DataFrame:
    """hour_utc, mark_price, lowest, highest of the reference exchange, after `since` to the snapshot's hour."""
    values = {"coin": market.coin, "exchange": market.reference, "since": since, "hour": market.hour}
    return query(catalog, _PATH, **values)


def heat(catalog: duckdb.DuckDBPyConnection, market: Snapshot, span: str, known: pl.DataFrame | None = None) -> Heat:
    """The map through `span`, up to the snapshot's hour. `known`: the `path` of a longer span, where it was read."""
    since = market.hour - SPANS[span] * HOUR
    marks = path(catalog, market, since) if known is None else known.filter(pl.col("hour_utc") > since)
    each, buckets = step(marks), buckets_a_row(marks, span)
    asked = {"coin": market.coin, "hour": market.hour, "hours": SPANS[span], "step": each, "buckets": buckets}
    cells = query(catalog, _HEATMAP, **asked)
    return Heat(market.coin, span, market.source, market.parameters_version, each, buckets, cells, marks)


def level(catalog: duckdb.DuckDBPyConnection, market: Snapshot, price: float, span: str) -> pl.DataFrame:
    """The macro level_history's rows of one price, in `span` up to the snapshot's hour and in what its band is of."""
    since = market.hour - (SPANS[span] - 1) * HOUR - level_history.BAND
    return query(catalog, _LEVEL, coin=market.coin, price=price, since=since, hour=market.hour)


def balance(catalog: duckdb.DuckDBPyConnection, market: Snapshot, span: str, marks: pl.DataFrame) -> pl.DataFrame:
    """Longs and shorts within each distance, with their range, in as few hours as a heatmap of `marks` has maps."""
    return query(catalog, _BALANCE, step=step(marks), **_span(market, span))


def sweeps(catalog: duckdb.DuckDBPyConnection, market: Snapshot, span: str) -> pl.DataFrame:
    """What stood and what was liquidated, by hour, exchange and side."""
    return query(catalog, _SWEEPS, **_span(market, span))


def scores(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> pl.DataFrame:
    """The last scores of the coin that were made by the snapshot's hour."""
    return query(catalog, _SCORES, coin=market.coin, date=market.hour.date())


def tracks(catalog: duckdb.DuckDBPyConnection, market: Snapshot, span: str) -> pl.DataFrame:
    """Of mart.cluster_history the last row of each track that stood in the span; empty without that table."""
    return query(catalog, _LIVES, **_span(market, span)) if _has(catalog, "cluster_history") else pl.DataFrame()


def cascade(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> pl.DataFrame:
    """The rows of mart.cascade_risk of the hour; empty without that table."""
    values = {"coin": market.coin, "date": market.hour.date(), "hour": market.hour}
    return query(catalog, _CASCADE, **values) if _has(catalog, "cascade_risk") else pl.DataFrame()


def summary(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> pl.DataFrame:
    """The row of mart.market_summary of the hour; empty without that table."""
    values = {"coin": market.coin, "hour": market.hour}
    return query(catalog, _SUMMARY, **values) if _has(catalog, "market_summary") else pl.DataFrame()


def _span(market: Snapshot, span: str) -> dict[str, object]:
    return {"coin": market.coin, "hour": market.hour, "since": market.hour - SPANS[span] * HOUR}


def _has(catalog: duckdb.DuckDBPyConnection, name: str) -> bool:
    asked = "SELECT count(*) FROM duckdb_views() WHERE schema_name = 'mart' AND view_name = $name"
    return bool(query(catalog, asked, name=name).item())
