"""Queries for the history charts, from `sql/queries/history`."""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl

from transforms.charts import level_history
from transforms.charts.heatmap_rows import SPANS, Heat, buckets_a_row, step
from transforms.charts.snapshot import Snapshot
from transforms.hourly.hours import HOUR
from warehouse.catalog.snapshot_queries import ask


def path(catalog: duckdb.DuckDBPyConnection, market: Snapshot, since: datetime) -> pl.DataFrame:
    """Return hour_utc, mark_price, lowest, highest of the reference exchange, after `since` to the snapshot's hour."""
    values = {"coin": market.coin, "exchange": market.reference, "since": since, "hour": market.hour}
    return ask(catalog, "history/path", **values)


def heat(catalog: duckdb.DuckDBPyConnection, market: Snapshot, span: str, known: pl.DataFrame | None = None) -> Heat:
    """Return the heatmap of `span` up to the snapshot's hour. known: the `path` of a longer span, if already read."""
    since = market.hour - SPANS[span] * HOUR
    marks = path(catalog, market, since) if known is None else known.filter(pl.col("hour_utc") > since)
    each, buckets = step(marks), buckets_a_row(marks, span)
    values = {"coin": market.coin, "hour": market.hour, "hours": SPANS[span], "step": each, "buckets": buckets}
    cells = ask(catalog, "history/heatmap", **values)
    return Heat(market.coin, span, market.source, market.parameters_version, each, buckets, cells, marks)


def level(catalog: duckdb.DuckDBPyConnection, market: Snapshot, price: float, span: str) -> pl.DataFrame:
    """Return level_history of one price in `span` up to the snapshot's hour, with the earlier hours of its band."""
    since = market.hour - (SPANS[span] - 1) * HOUR - level_history.BAND
    return ask(catalog, "history/level", coin=market.coin, price=price, since=since, hour=market.hour)


def balance(catalog: duckdb.DuckDBPyConnection, market: Snapshot, span: str, marks: pl.DataFrame) -> pl.DataFrame:
    """Return longs and shorts within each distance, with their ranges, at the hourly step of a heatmap of `marks`."""
    return ask(catalog, "history/balance", step=step(marks), **_span(market, span))


def sweeps(catalog: duckdb.DuckDBPyConnection, market: Snapshot, span: str) -> pl.DataFrame:
    """Return predicted and realised liquidations by hour, exchange and side."""
    return ask(catalog, "history/sweeps", **_span(market, span))


def scores(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> pl.DataFrame:
    """Return the latest scores of the coin as of the snapshot's hour."""
    return ask(catalog, "history/scores", coin=market.coin, date=market.hour.date())


def tracks(catalog: duckdb.DuckDBPyConnection, market: Snapshot, span: str) -> pl.DataFrame:
    """Return the last row of each track of mart.cluster_history in the span; empty without that table."""
    has_tracks = _has(catalog, "cluster_history")
    return ask(catalog, "history/cluster_tracks", **_span(market, span)) if has_tracks else pl.DataFrame()


def cascade(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> pl.DataFrame:
    """Return the rows of mart.cascade_risk at the hour with the rank of their ratios; empty without that table."""
    values = {"coin": market.coin, "hour": market.hour}
    return ask(catalog, "history/cascade", **values) if _has(catalog, "cascade_risk") else pl.DataFrame()


def summary(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> pl.DataFrame:
    """Return the row of mart.market_summary at the hour; empty without that table."""
    values = {"coin": market.coin, "hour": market.hour}
    return ask(catalog, "history/summary", **values) if _has(catalog, "market_summary") else pl.DataFrame()


def _span(market: Snapshot, span: str) -> dict[str, object]:
    return {"coin": market.coin, "hour": market.hour, "since": market.hour - SPANS[span] * HOUR}


def _has(catalog: duckdb.DuckDBPyConnection, name: str) -> bool:
    return bool(ask(catalog, "catalog/has_table", name=name).item())
