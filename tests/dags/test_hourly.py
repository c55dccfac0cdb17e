"""The whole hourly DAG against the simulated exchanges over HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from warehouse import settings
from warehouse.catalog.build import connect
from warehouse.catalog.snapshot_queries import query
from warehouse.errors import UserError
from warehouse.ingest.addresses import pointed
from warehouse.ingest.exchanges import serving
from warehouse.operations.airflow_local import run_dag_in_process, settings_env

pytestmark = pytest.mark.slow  # it waits for an Airflow process

HOUR = datetime(2026, 1, 12, 5)
# Clusters are left out: the first hour of a warehouse may have none.
MAP = ("liquidation_levels", "liquidation_curve", "market_balance", "sweeps")


@contextmanager
def simulated(root: Path) -> Iterator[settings.Settings]:
    """Yield settings of a warehouse in `root` for simulated exchanges with a clock just after the hour."""
    asked = settings.load(warehouse=root, coins="BTC", source="simulated", now=f"{HOUR:%Y-%m-%dT%H}:10Z")
    with serving(asked) as served:
        yield pointed(asked, served)


def test_hour_is_collected_and_published(migrated_home: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    with simulated(tmp_path) as asked:
        run_dag_in_process(HOUR, env=settings_env(asked), home=migrated_home, report=lines.append)
    assert sorted(lines) == sorted(
        [
            *(f"{name}: done" for name in ("plan", "exchanges", "publish", "report", "verdict")),
            *(f"collect {name}: done" for name in ("binance", "bybit", "okx")),
        ]
    )
    assert (
        "<title>BTC liquidation report, modelled, 2026-01-12 05:00 UTC</title>"
        in (tmp_path / "reports" / "BTC.html").read_text()
    )
    with connect(tmp_path) as catalog:
        for table in MAP:
            rows = query(catalog, f"SELECT DISTINCT hour_utc FROM mart.{table}")
            assert rows["hour_utc"].to_list() == [HOUR], table
    _check_log((migrated_home / "run_once.log").read_text())


def _check_log(log: str) -> None:
    """Require log lines of each fetch, build, check, publication and page, and none of Great Expectations."""
    said = [
        *(rf"fetched from {name}: \d+ ok; stored in .*/raw" for name in ("binance", "bybit", "okx")),
        r"built core\.price_bars coin=BTC/date=2026-01-12: \d+ rows; core\.price_bars is missing",
        r"built mart\.liquidation_levels coin=BTC/date=2026-01-12: \d+ rows; ",
        r"checked: \d+ checks, \d+ warnings, 0 partitions quarantined",
        r"published \d+ partitions in .*: \d+ of core\.\w+, .*\d+ of mart\.liquidation_levels",
        r"published, 2026-01-12 05:00:00 to 2026-01-12 05:00:00: \d+ built, \d+ checks, ",
        r"wrote 1 reports: .*BTC\.html",
    ]
    assert [pattern for pattern in said if not re.search(pattern, log)] == []
    assert "great_expectations" not in log


def test_failed_run_raises_one_line_naming_the_log(migrated_home: Path, tmp_path: Path) -> None:
    (tmp_path / "a_file").write_text("")
    lines: list[str] = []
    with simulated(tmp_path / "a_file") as asked, pytest.raises(UserError, match=r"05:00 UTC failed.*run_once\.log"):
        run_dag_in_process(HOUR, env=settings_env(asked), home=migrated_home, report=lines.append)
    assert any("failed: " in line for line in lines)
