"""The report of one coin at one hour: which pictures it has, in which order, and what one sees in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from transforms.charts import balance_history, cluster_tracks, heatmap, level_history, liquidation_map
from transforms.charts import predicted_vs_realised as told_and_realised
from transforms.charts.amounts import price_text
from transforms.charts.figure import Section
from transforms.charts.heatmap_rows import SPANS, Heat
from transforms.charts.report import score_card
from transforms.charts.snapshot import Snapshot

LONG = "30d"
"""The span of what is drawn through time, but for the shorter heatmaps."""


@dataclass(frozen=True)
class ReportData:
    """What the pictures are drawn from.

    `by_leverage`: the same hour, its levels by leverage class; `heats` by span; `levels`: price -> rows of
    level_history; `tracks` and `scores` may be empty.
    """

    market: Snapshot
    by_leverage: Snapshot
    heats: Mapping[str, Heat]
    balance: pl.DataFrame
    levels: Mapping[float, pl.DataFrame]
    tracks: pl.DataFrame
    sweeps: pl.DataFrame
    scores: pl.DataFrame


def sections(of: ReportData) -> list[Section]:
    """All that can be drawn; what has no rows says so in a sentence, or stays out where its table is not kept."""
    past = [_heatmap(of), _balance(of), _levels(of), *_tracks(of)] if _has_past(of) else [_first_hour()]
    return [section for section in (_map(of), *past, _sweeps(of), _scores(of)) if section.seen]


def _has_past(of: ReportData) -> bool:
    return of.balance["hour_utc"].n_unique() > 1


def _first_hour() -> Section:
    seen = "This is the coin's first hour. What goes through time, heatmap, balance, levels and tracks of clusters, is "
    return Section("past", "Through time", f"{seen}drawn from its second hour on.")


def _map(of: ReportData) -> Section:
    return Section(
        "map",
        "Liquidation map (modelled)",
        "Where positions would be liquidated if the mark went there: longs left of the mark, shorts right of it. "
        "Bars are what stands at a price, the curves what is liquidated on the way there. Untick a name to hide it; "
        "zoom with Ctrl and the wheel, drag to move, and double-click to go back.",
        {"": f"FROM liquidation_map('{of.market.coin}', as_of := '{of.market.hour}', span := 0.10)"},
        {
            "by exchange": liquidation_map.draw(of.market),
            "by leverage": liquidation_map.draw(of.by_leverage, by="leverage"),
        },
    )


def _heatmap(of: ReportData) -> Section:
    asked = f"FROM heatmap('{of.market.coin}', as_of := '{of.market.hour}', hours := "
    return Section(
        "heatmap",
        "Liquidation heatmap (modelled)",
        "The map through time: the brighter, the more would be liquidated at that price; dark is the least of "
        "it, not nothing. A bright band that the price meets goes dark, as it is swept; one that fades was closed.",
        {span: f"{asked}{SPANS[span]}, step := {h.step}, buckets := {h.buckets})" for span, h in of.heats.items()},
        {span: heatmap.draw(heat) for span, heat in of.heats.items()},
        "7d",
    )


def _balance(of: ReportData) -> Section:
    return Section(
        "balance",
        "Longs against shorts (modelled)",
        "How much of each side stands near the mark, through time. A move against the heavier side liquidates more.",
        {"": f"FROM mart.market_balance WHERE {_until(of)} ORDER BY hour_utc"},
        {
            f"within {bp / 100:g} %": balance_history.draw(of.balance, of.market.coin, bp)
            for bp in balance_history.DISTANCES_BP
            if bp in of.balance["distance_bp"]
        },
        "within 5 %",
    )


def _levels(of: ReportData) -> Section:
    hours, until = SPANS[LONG], f"WHERE hour_utc <= '{of.market.hour}'"
    return Section(
        "levels",
        "The nearest clusters' levels through time (modelled)",
        "The price with most in the nearest cluster below the mark, and above: has it been building or thinning?"
        if of.levels
        else "",
        {price_text(at): f"FROM level_history('{of.market.coin}', {at!r}) {until}" for at in of.levels},
        {price_text(at): level_history.draw(rows, of.market.coin, at, hours) for at, rows in of.levels.items()},
    )


def _tracks(of: ReportData) -> list[Section]:
    path = list(of.heats.values())[-1].path
    if cluster_tracks.near(of.tracks, path).is_empty():
        return []
    figure = cluster_tracks.draw(of.tracks, path, of.market.coin)
    seen = "Each cluster from its birth to its end: swept by the price, faded, or merged with another."
    asked = f"FROM mart.cluster_history WHERE {_until(of)} ORDER BY hour_utc"
    return [Section("tracks", "Cluster tracks (modelled)", seen, {"": asked}, {"": figure})]


def _sweeps(of: ReportData) -> Section:
    heading = "Predicted against realised (modelled, realised)"
    asked = {"": f"FROM mart.sweeps WHERE {_until(of)} AND realised_usd IS NOT NULL ORDER BY hour_utc"}
    if told_and_realised.known(of.sweeps).is_empty():
        none = (
            "No exchange's liquidations were read in these hours, so nothing can be held against the map: liq listen."
        )
        return Section("sweeps", heading, none, asked)
    seen = (
        "What the map said stood where the mark then went, against what the exchange says was liquidated. A feed that is "
        "not complete shows less than there was."
    )
    return Section("sweeps", heading, seen, asked, {"": told_and_realised.draw(of.sweeps, of.market.coin)})


def _scores(of: ReportData) -> Section:
    heading = "Score card (modelled against realised)"
    until = f"coin = '{of.market.coin}' AND date <= '{of.market.hour.date()}'"
    asked = {"": f"FROM mart.map_scores WHERE {until} ORDER BY date DESC"}
    if score_card.judged(of.scores).is_empty():
        none = "There is no score yet: it takes 24 hours of liquidations that were read in full, and liq score."
        return Section("scores", heading, none, asked)
    seen = (
        "How well each estimator predicted what was liquidated. Where ours is not ahead of how far the price went, the "
    )
    seen += "map told nothing of those days that the chart did not."
    return Section("scores", heading, seen, asked, {"": score_card.draw(of.scores, of.market.coin)})


def _until(of: ReportData) -> str:
    """Up to the hour of the report: of the past, it says the same tomorrow."""
    return f"coin = '{of.market.coin}' AND hour_utc <= '{of.market.hour}'"
