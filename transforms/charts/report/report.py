"""The report of one coin at one hour: its sections in order, their charts and explanations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from transforms.charts import (
    balance_history,
    cluster_tracks,
    heatmap,
    level_history,
    liquidation_map,
    predicted_vs_realised,
)
from transforms.charts.amounts import price_text
from transforms.charts.figure import Section
from transforms.charts.heatmap_rows import SPANS, Heat
from transforms.charts.report import score_card
from transforms.charts.snapshot import Snapshot

LONG = "30d"
"""Span of the charts through time, except the shorter heatmaps."""


@dataclass(frozen=True)
class ReportData:
    """The rows that the report's charts are drawn from.

    by_leverage: the same hour with levels by leverage class. heats: by span. levels: price -> rows of level_history.
    tracks and scores may be empty.
    """

    market: Snapshot
    by_leverage: Snapshot
    heats: Mapping[str, Heat]
    balance: pl.DataFrame
    levels: Mapping[float, pl.DataFrame]
    tracks: pl.DataFrame
    sweeps: pl.DataFrame
    scores: pl.DataFrame


def sections(data: ReportData) -> list[Section]:
    """Return the sections in order.

    A section without rows explains why in a sentence. Levels and tracks are left out where there are no clusters.
    """
    past = [_heatmap(data), _balance(data), _levels(data), *_tracks(data)] if _has_past(data) else [_first_hour()]
    return [section for section in (_map(data), *past, _sweeps(data), _scores(data)) if section.seen]


def _has_past(data: ReportData) -> bool:
    return data.balance["hour_utc"].n_unique() > 1


def _first_hour() -> Section:
    seen = "This is the coin's first hour. The heatmap, balance, levels and cluster tracks need at least two hours."
    return Section("past", "Through time", seen)


def _map(data: ReportData) -> Section:
    return Section(
        "map",
        "Liquidation map (modelled)",
        "Positions that would be liquidated at each price: longs left of the mark, shorts right of it. Bars show the "
        "notional at a price, curves the cumulative notional between the mark and that price. Untick a name to hide "
        "it; zoom with Ctrl and the wheel, drag to pan, double-click to reset.",
        {"": f"FROM liquidation_map('{data.market.coin}', as_of := '{data.market.hour}', span := 0.10)"},
        {
            "by exchange": liquidation_map.draw(data.market),
            "by leverage": liquidation_map.draw(data.by_leverage, by="leverage"),
        },
    )


def _heatmap(data: ReportData) -> Section:
    sql = f"FROM heatmap('{data.market.coin}', as_of := '{data.market.hour}', hours := "
    return Section(
        "heatmap",
        "Liquidation heatmap (modelled)",
        "The map through time: the brighter a cell, the more would be liquidated at that price; the darkest colour "
        "marks the smallest amounts, not zero. A bright band turns dark where the mark sweeps it, and "
        "fades as positions close.",
        {span: f"{sql}{SPANS[span]}, step := {h.step}, buckets := {h.buckets})" for span, h in data.heats.items()},
        {span: heatmap.draw(heat) for span, heat in data.heats.items()},
        "7d",
    )


def _balance(data: ReportData) -> Section:
    return Section(
        "balance",
        "Longs against shorts (modelled)",
        "Notional of each side near the mark, through time. A move against the heavier side liquidates more.",
        {"": f"FROM mart.market_balance WHERE {_until(data)} ORDER BY hour_utc"},
        {
            f"within {bp / 100:g} %": balance_history.draw(data.balance, data.market.coin, bp)
            for bp in balance_history.DISTANCES_BP
            if bp in data.balance["distance_bp"]
        },
        "within 5 %",
    )


def _levels(data: ReportData) -> Section:
    hours, until = SPANS[LONG], f"WHERE hour_utc <= '{data.market.hour}'"
    return Section(
        "levels",
        "The nearest clusters' levels through time (modelled)",
        "Notional at the peak of the nearest cluster on each side of the mark: is it growing or shrinking?"
        if data.levels
        else "",
        {price_text(at): f"FROM level_history('{data.market.coin}', {at!r}) {until}" for at in data.levels},
        {price_text(at): level_history.draw(rows, data.market.coin, at, hours) for at, rows in data.levels.items()},
    )


def _tracks(data: ReportData) -> list[Section]:
    path = list(data.heats.values())[-1].path
    if cluster_tracks.near(data.tracks, path).is_empty():
        return []
    figure = cluster_tracks.draw(data.tracks, path, data.market.coin)
    seen = "Each cluster from birth to end: swept by the mark, expired, or merged into another."
    sql = f"FROM mart.cluster_history WHERE {_until(data)} ORDER BY hour_utc"
    return [Section("tracks", "Cluster tracks (modelled)", seen, {"": sql}, {"": figure})]


def _sweeps(data: ReportData) -> Section:
    heading = "Predicted against realised (modelled, realised)"
    sql = {"": f"FROM mart.sweeps WHERE {_until(data)} AND realised_usd IS NOT NULL ORDER BY hour_utc"}
    if predicted_vs_realised.known(data.sweeps).is_empty():
        none = (
            "No exchange's liquidations are known for these hours, so predictions cannot be compared with them. "
            "Run liq listen to record them."
        )
        return Section("sweeps", heading, none, sql)
    seen = (
        "Predicted against reported liquidations, per hour, exchange and side. The prediction is the map's notional in "
        "the range that the mark then crossed. An incomplete feed reports less than was liquidated."
    )
    return Section("sweeps", heading, seen, sql, {"": predicted_vs_realised.draw(data.sweeps, data.market.coin)})


def _scores(data: ReportData) -> Section:
    heading = "Score card (modelled against realised)"
    until = f"coin = '{data.market.coin}' AND date <= '{data.market.hour.date()}'"
    sql = {"": f"FROM mart.map_scores WHERE {until} ORDER BY date DESC"}
    if score_card.judged(data.scores).is_empty():
        none = "There is no score yet. It needs 24 hours of known liquidations; then run liq score."
        return Section("scores", heading, none, sql)
    seen = (
        "How well each estimator predicted realised liquidations. Where ours does not beat the price range, the map "
        "added nothing to the price chart on those days."
    )
    return Section("scores", heading, seen, sql, {"": score_card.draw(data.scores, data.market.coin)})


def _until(data: ReportData) -> str:
    """Return the SQL condition up to the report's hour, so that a later query gives the same rows."""
    return f"coin = '{data.market.coin}' AND hour_utc <= '{data.market.hour}'"
