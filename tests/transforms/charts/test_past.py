"""History charts of a level, the balance, tracks, sweeps and scores."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
import vl_convert

from tests.transforms.charts import past
from transforms.charts import balance_history, cluster_tracks, level_history, predicted_vs_realised
from transforms.charts.figure import Figure
from transforms.charts.report import score_card
from transforms.charts.style import still

FIGURES = {
    "level": lambda: level_history.draw(past.level(), "BTC", 100_050.0),
    "balance": lambda: balance_history.draw(past.balance(), "BTC", 500.0),
    "tracks": lambda: cluster_tracks.draw(past.tracks(), past.path(), "BTC"),
    "sweeps": lambda: predicted_vs_realised.draw(past.sweeps(), "BTC"),
    "scores": lambda: score_card.draw(past.scores(), "BTC"),
}


def rows_of(figure: Figure, panel: int = 0) -> list[dict[str, Any]]:
    """Return all rows of a panel's data."""
    return [row for rows in figure.panels[panel].to_dict()["datasets"].values() for row in rows]


@pytest.mark.parametrize("name", list(FIGURES))
def test_chart_has_title_and_is_drawn(name: str) -> None:
    figure = FIGURES[name]()
    assert "modelled" in figure.title
    assert "Simulated data" in figure.subtitle[0]
    assert "BTC" in figure.title
    assert vl_convert.vegalite_to_png(still(figure).to_dict())[:4] == b"\x89PNG"


@pytest.mark.parametrize("name", list(FIGURES))
def test_chart_can_hide_its_series(name: str) -> None:
    figure = FIGURES[name]()
    spec = figure.panels[0].to_dict()
    assert {"name": "shown", "value": list(figure.series)} in spec["params"]
    assert "indexof(shown" in json.dumps(spec)


def test_level_band_is_its_own_week() -> None:
    figure = level_history.draw(past.level(), "BTC", 100_050.0)
    assert "its own 10th to 90th percentile over the last 7 days, not an error" in figure.subtitle[0]
    last = max((row for row in rows_of(figure) if "low" in row), key=lambda row: row["t"])
    assert (last["low"], last["high"]) == (pytest.approx(1.047e6, rel=0.01), pytest.approx(1.423e6, rel=0.01))


def test_level_that_changes_sides_has_a_line_per_run() -> None:
    lines = [row for row in rows_of(level_history.draw(past.level(), "BTC", 100_050.0)) if "run" in row]
    runs = {(row["run"], row["side"]) for row in lines}
    assert len(runs) == len({run for run, _ in runs}) > 2


def test_long_history_is_thinned_and_keeps_its_last_hour() -> None:
    many = pl.concat([past.level().with_columns(pl.col("hour_utc") - pl.duration(days=2 * back)) for back in range(40)])
    lines = [row for row in rows_of(level_history.draw(many, "BTC", 100_050.0)) if "run" in row]
    assert len(lines) <= 360
    assert max(row["t"] for row in lines) == past.level()["hour_utc"].dt.epoch("ms").max()


def test_subtitle_counts_carried_hours() -> None:
    stale = balance_history.draw(past.balance(stale=True), "BTC", 500.0)
    assert "in 1 of 48 hours an exchange was carried forward" in stale.subtitle[0]
    assert "carried" not in FIGURES["balance"]().subtitle[0]


def test_no_ranges_give_no_band() -> None:
    unknown = past.balance().with_columns(low_usd=pl.lit(None, pl.Float64), high_usd=pl.lit(None, pl.Float64))
    figure = balance_history.draw(unknown, "BTC", 500.0)
    assert "area" not in json.dumps(figure.panels[0].to_dict())
    assert "percentile" not in figure.subtitle[0]


def test_tracks_start_within_the_chart() -> None:
    boxes = [row for row in rows_of(FIGURES["tracks"]()) if "track_status" in row]
    assert len(boxes) == 3
    assert min(box["t"] for box in boxes) == past.path()["hour_utc"].dt.epoch("ms").min()
    assert {box["track_status"] for box in boxes} == {"active", "swept", "expired"}
    assert next(box["predicted / realised"] for box in boxes if box["track_status"] == "swept") == "100M / unknown"


def test_unknown_sweeps_are_omitted_and_zero_is_drawn() -> None:
    figure = FIGURES["sweeps"]()
    dots = [row for row in rows_of(figure) if "exchange" in row]
    assert {dot["exchange"] for dot in dots} == {"okx (recent feed)"}
    assert list(figure.series) == ["okx (recent feed)"]
    assert len(dots) == 2 * 48
    assert sorted(dot["r"] for dot in dots)[:3] == [0, 0, 1_500_000]
    assert "2 with less than 1K" in figure.subtitle[0]


def test_missing_scores_are_omitted() -> None:
    met = score_card.judged(past.scores())
    assert set(met["exchange"]) == {"okx"}
    assert len([row for row in rows_of(FIGURES["scores"]()) if "estimator" in row]) == 12


def test_ticks_lie_within_the_axis() -> None:
    """A clamped scale would draw such a tick at the edge with a wrong number."""
    for panel in predicted_vs_realised.draw(past.sweeps(), "BTC").panels:
        x = next(layer["encoding"]["x"] for layer in panel.to_dict()["layer"])
        assert x["axis"]["values"]
        assert max(x["axis"]["values"]) <= x["scale"]["domain"][1]
