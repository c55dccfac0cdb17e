"""Output of `make run`, with fakes of the pipeline and of Airflow, which have their own tests."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from warehouse.cli.main import app
from warehouse.cli.operate import quickstart
from warehouse.pipeline import run as pipeline
from warehouse.progress import Silent
from warehouse.reports.report import write_all
from warehouse.settings import Settings


def test_quickstart_fills_runs_the_dag_prints_and_draws(small_warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: dict[str, Any] = {}

    def fill(settings: Settings, first: datetime, last: datetime, **about: object) -> pipeline.RunSummary:
        done["filled"] = (first, last)
        return pipeline.RunSummary(first, last, settings.coins, settings.exchanges, settings.source, Path("x"))

    def run_dag(hour: datetime, *, env: dict[str, str], report: object) -> None:
        done.update(hour=hour, env=env)
        write_all(small_warehouse, ["BTC"], Silent())

    monkeypatch.setenv("LIQ_NOW", "2026-01-12T00:10Z")
    monkeypatch.setattr(pipeline, "run", fill)
    monkeypatch.setattr(quickstart, "run_dag_in_process", run_dag)
    monkeypatch.setattr(quickstart, "migrate", lambda: None)
    result = CliRunner().invoke(app, ["quickstart", "--days", "2"], prog_name="liq")
    assert result.exit_code == 0, result.output

    assert done["filled"] == (datetime(2026, 1, 10), datetime(2026, 1, 11, 23))
    assert done["hour"] == datetime(2026, 1, 12)
    urls = {done["env"][f"LIQ_{host}_URL"] for host in ("BINANCE", "BINANCE_ARCHIVE", "BYBIT", "OKX")}
    assert len(urls) == 1
    assert urls.pop() in result.stdout
    assert done["env"]["LIQ_NOW"].startswith("2026-01-12T00:10")

    assert "Simulated exchanges (simulated data, no real market)" in result.stdout
    assert "BTC stands at 103,753 (mark, binance; simulated data), hour 2026-01-12 00:00 UTC." in result.stdout
    for path in ("pictures/BTC.png", "reports/BTC.html", "catalog.duckdb"):
        assert str(small_warehouse / path) in result.stdout
        assert (small_warehouse / path).stat().st_size > 1000
    tries = [line.strip() for line in result.stdout.split("Three things to try next:")[1].strip().splitlines()]
    assert [line.split("liq ")[1].split()[0] for line in tries] == ["headline", "sql", "heatmap"]
