"""The report as a file: its sections, its texts for missing data, and runs that survive a failed report."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from expectations.tables import table
from tests.transforms.charts import past
from transforms.charts.report import key_figures
from transforms.charts.report import report as chart
from warehouse.catalog import build as catalog
from warehouse.catalog.snapshot_queries import snapshot
from warehouse.cli.main import app
from warehouse.cli.summary import lines
from warehouse.pipeline.run import report as draw_reports
from warehouse.pipeline.run_log import RunSummary
from warehouse.progress import Silent
from warehouse.reports import report
from warehouse.settings import load
from warehouse.storage.store import Store


def liq(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), prog_name="liq")


def specs(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="figures" type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    made: dict[str, Any] = json.loads(found[1])["specs"]
    return made


@pytest.fixture
def page(small_warehouse: Path) -> str:
    out = small_warehouse.parent / "report.html"
    done = liq("report", "BTC", "--out", str(out))
    assert done.exit_code == 0, done.output
    assert "modelled; simulated data; 2026-01-12 00:00 UTC" in done.stdout
    return out.read_text()


def test_report_has_key_figures_and_every_section(page: str) -> None:
    assert "<title>BTC liquidation report, modelled, 2026-01-12 00:00 UTC</title>" in page
    told = re.findall(r"<dt>(.*?)</dt><dd>(.*?)<small>", page)
    assert told[0] == ("Mark", "103,753")
    assert [name for name, _ in told[1:6]] == [
        *(f"Longs / shorts within {d}\u00a0%" for d in (1, 2, 5)),
        "Nearest cluster below",
        "Nearest cluster above",
    ]
    assert list(specs(page)) == [
        "map-0", "map-1", "heatmap-0", "heatmap-1", "heatmap-2", "balance-0", "balance-1", "balance-2", "levels-0",
        "levels-1",
    ]  # fmt: skip
    assert "No exchange&#39;s liquidations are known for these hours" in page
    assert "There is no score yet" in page
    assert len(page) < 2_500_000


def test_report_loads_nothing_and_embeds_vega_once(page: str) -> None:
    assert "<script src=" not in page
    assert "@import" not in page
    assert page.count("window.vegaEmbed=") == 1


def test_shown_queries_run(page: str, small_warehouse: Path) -> None:
    asked = [html.unescape(match) for match in re.findall(r"<code>(.*?)</code>", page)]
    assert len(asked) == 9
    with catalog.connect(small_warehouse) as connection:
        for question in asked:
            connection.sql(question).fetchall()


def test_same_hour_gives_the_same_page(page: str, small_warehouse: Path) -> None:
    with catalog.connect(small_warehouse) as connection:
        assert report.html(connection, snapshot(connection, "BTC")) == page


def test_unsupported_format_is_refused(small_warehouse: Path) -> None:
    for command, ending in (("report", "png"), ("heatmap", "csv"), ("report", "csv")):
        refused = liq(command, "BTC", "--out", f"btc.{ending}")
        assert refused.exit_code == 2
        assert f"cannot write '.{ending}'" in refused.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("heatmap", "BTC", "--span", "2d"), "unknown span '2d'; there are 12h, 24h"),
        (("level", "BTC", "0"), "0 is not a price"),
        (("level", "BTC", "7"), "liq: no map of BTC reached 7.0 since 2025-12-06"),
        (("heatmap", "LUNA"), "no coin 'LUNA' in the warehouse; there are BTC"),
        (("map", "BTC", "--by", "side"), "unknown split of the bars 'side'; there are exchange, leverage"),
        (("map", "BTC", "--by", "leverage", "--estimator", "ladder"), "leave --estimator out"),
    ],
)
def test_invalid_chart_request_is_refused(small_warehouse: Path, command: tuple[str, ...], words: str) -> None:
    out = small_warehouse.parent / "x.png"
    done = liq(*command, "--out", str(out))
    assert (done.exit_code, words in done.stderr) == (2, True), done.output
    assert not out.exists()


@pytest.mark.parametrize(
    "command",
    [("heatmap", "BTC", "--span", "24h"), ("level", "BTC", "100700"), ("map", "BTC", "--by", "leverage")],
)
@pytest.mark.parametrize("ending", ["png", "html"])
def test_chart_command_writes_its_chart(small_warehouse: Path, command: tuple[str, ...], ending: str) -> None:
    out = small_warehouse.parent / f"x.{ending}"
    done = liq(*command, "--out", str(out))
    assert done.exit_code == 0, done.output
    assert out.read_bytes()[:4] in (b"\x89PNG", b"<!DO")


def test_sweeps_scores_and_tracks_are_drawn_if_known(small_warehouse: Path) -> None:
    with catalog.connect(small_warehouse) as connection:
        market = snapshot(connection, "BTC")
        material = report._read_data(connection, market)
    known = chart.ReportData(
        **{**vars(material), "sweeps": past.sweeps(), "scores": past.scores(), "tracks": past.tracks()}
    )
    drawn = {section.name: bool(section.tabs) for section in chart.sections(known)}
    assert drawn == dict.fromkeys(("map", "heatmap", "balance", "levels", "tracks", "sweeps", "scores"), True)


def test_key_figures_show_the_cascade_if_known(small_warehouse: Path) -> None:
    risk = pl.DataFrame(
        {
            "side": ["long", "short"],
            "trigger_price": [95_000.0, None],
            "exhaustion_price": [91_000.0, None],
            "amplification": [1.8, None],
            "largest_ratio": [1.3, 0.4],
            "largest_ratio_percentile": [None, 98.4],
        }
    )
    ends = {"long_void_low": 95_000.0, "long_void_high": 96_900.0, "short_void_low": None, "short_void_high": None}
    ends |= {"long_max_pain_price": 94_000.0, "long_max_pain_usd": 3e8}
    ends |= {"short_max_pain_price": None, "short_max_pain_usd": None}
    summary = pl.DataFrame([ends])
    with catalog.connect(small_warehouse) as connection:
        told = key_figures.write(snapshot(connection, "BTC"), risk, summary)
    assert told[-4:] == [
        ("Max pain of longs", "94,000", "300M USD modelled in 10 bp, -9.4 %"),
        ("Void below", "95,000-96,900", "2.0 % wide, modelled"),
        ("Cascade risk, down", "from 95,000", "modelled, amplified 1.8x, ends at 91,000"),
        (
            "Cascade risk, up",
            "low",
            "modelled; ratio 0.40 at most (above 98 % of the last 90 days), self-sustaining from 1",
        ),
    ]


class TestAfterARun:
    def test_report_of_each_coin_replaces_the_last(self, small_warehouse: Path) -> None:
        settings = load(warehouse=small_warehouse, coins="BTC,ETH", source="simulated")
        old = small_warehouse / "reports" / "BTC.html"
        old.parent.mkdir()
        old.write_text("old")
        assert draw_reports(settings, settings.coins, Silent()) == ([old], [])
        assert "liquidation report" in old.read_text()
        assert [path.name for path in old.parent.iterdir()] == ["BTC.html"]

    def test_failed_report_is_listed_and_keeps_the_old_page(
        self, small_warehouse: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fails(*_: object) -> None:
            raise ZeroDivisionError("on purpose")

        kept = small_warehouse / "reports" / "BTC.html"
        kept.parent.mkdir()
        kept.write_text("the last good one")
        monkeypatch.setattr(report, "html", fails)
        written, failed = draw_reports(load(warehouse=small_warehouse, source="simulated"), ("all",), Silent())
        assert (written, failed) == ([], ["BTC: ZeroDivisionError: on purpose"])
        assert kept.read_text() == "the last good one"
        hour = datetime(2026, 1, 12)
        summary = RunSummary(hour, hour, ("BTC",), ("okx",), "simulated", small_warehouse / "catalog.duckdb")
        summary.failed_reports = failed
        assert "  no report  BTC: ZeroDivisionError: on purpose" in list(lines(summary))

    def test_missing_catalog_is_listed_as_failure(self, tmp_path: Path) -> None:
        written, failed = draw_reports(load(warehouse=tmp_path, source="simulated"), ("BTC",), Silent())
        assert (written, "there is no catalog" in failed[0]) == ([], True)


def test_coin_without_clusters_has_no_levels(small_warehouse: Path) -> None:
    store = Store(small_warehouse)
    clusters = table("liquidation_clusters")
    for key in store.keys(clusters):
        store.write(clusters, store.read(clusters, [key]).clear(), key)
    catalog.build(small_warehouse)
    with catalog.connect(small_warehouse) as connection:
        page = report.html(connection, snapshot(connection, "BTC"))
    assert not any(name.startswith("levels") for name in specs(page))
    assert "Nearest cluster" not in page


def test_first_hour_has_no_history_charts(small_warehouse: Path) -> None:
    with catalog.connect(small_warehouse) as connection:
        page = report.html(connection, snapshot(connection, "BTC", datetime(2026, 1, 11, 23)))
    assert list(specs(page)) == ["map-0", "map-1"]
    assert "This is the coin&#39;s first hour" in page


def test_each_heatmap_tab_has_its_own_query(page: str) -> None:
    for span, hours in (("heatmap-0", 24), ("heatmap-1", 168), ("heatmap-2", 720)):
        figure = re.search(rf'<figure id="{span}".*?</figure>', page, re.DOTALL)
        assert figure
        assert f"hours := {hours}," in figure[0]
