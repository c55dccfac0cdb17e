"""Deleted partitions and skipped hours are rebuilt: the tables equal those of an undisturbed run."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from tests.warehouse.trial import MADE, A, Trial, differing
from warehouse.ingest.addresses import HOSTS
from warehouse.pipeline import tasks
from warehouse.plan import Plan
from warehouse.simulator import Simulation

HOUR = timedelta(hours=1)
B, C = A + HOUR, A + 2 * HOUR
DAY = f"coin=BTC/date={A:%Y-%m-%d}"


@pytest.fixture(scope="module")
def three_hours(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    made = Trial(tmp_path_factory.mktemp("three_hours") / "warehouse", quiet_exchanges.url)
    made.run(A, C)
    return made


@pytest.mark.parametrize(
    "lost",
    [
        f"mart/liquidation_levels/{DAY}",
        f"model/state_positions/{DAY}",
        f"mart/sweeps/{DAY}",
        f"mart/cluster_history/{DAY}",
        f"mart/liquidation_clusters/{DAY}",
        f"mart/cascade_risk/{DAY}",
        f"mart/cascade_contagion/{DAY}",
        f"mart/market_summary/coin=BTC/month={A:%Y-%m}",
        f"core/price_bars/{DAY}",
        f"raw/payloads/exchange=okx/date={A:%Y-%m-%d}",
    ],
)
def test_deleted_partition_is_rebuilt(three_hours: Trial, tmp_path: Path, lost: str) -> None:
    made = three_hours.copied(tmp_path / "warehouse")
    shutil.rmtree(made.root / lost)
    made.run(A, C)
    assert differing(three_hours.files(*MADE), made.files(*MADE)) == []


def test_missing_tables_are_built_from_the_start_of_the_month(three_hours: Trial, tmp_path: Path) -> None:
    made = Trial(tmp_path / "warehouse", three_hours.url)
    midnight = A.replace(hour=0)
    made.run(midnight - HOUR, midnight)
    before = made.files(*MADE)
    for name in ("cascade_risk", "cascade_contagion", "market_summary", "cluster_history"):
        shutil.rmtree(made.root / "mart" / name)
    made.run(midnight)
    assert differing(before, made.files(*MADE)) == []


def test_run_of_one_exchange_is_completed_by_the_next(three_hours: Trial, tmp_path: Path) -> None:
    made = Trial(tmp_path / "warehouse", three_hours.url)
    made.run(A)
    made.run(B, exchanges="binance")
    assert set(made.rows("price_bars")["exchange"]) == {"binance", "bybit", "okx"}
    made.run(C)
    assert differing(three_hours.files(*MADE), made.files(*MADE)) == []


def test_skipped_hour_is_filled(three_hours: Trial, tmp_path: Path) -> None:
    made = Trial(tmp_path / "warehouse", three_hours.url)
    made.run(A)
    made.run(C)
    assert differing(three_hours.files(*MADE), made.files(*MADE)) == []


def test_skipped_midnight_hour_is_filled(three_hours: Trial, tmp_path: Path) -> None:
    midnight = A.replace(hour=0)
    whole, made = (Trial(tmp_path / name, three_hours.url) for name in ("whole", "made"))
    whole.run(midnight - HOUR, midnight + 2 * HOUR)
    made.run(midnight - HOUR)
    made.run(midnight + 2 * HOUR)
    assert differing(whole.files(*MADE), made.files(*MADE)) == []


def test_tasks_share_only_the_warehouse(three_hours: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Trial(tmp_path / "warehouse", three_hours.url)
    made.run(A, B)
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "WAREHOUSE": str(made.root),
        "NOW": f"{made.now.isoformat()}Z",
        "COINS": "BTC",
        **{f"{host.upper()}_URL": made.url for host in HOSTS},
    }.items():
        monkeypatch.setenv(f"LIQ_{name}", value)
    plan = Plan.from_json(Plan.of_hour(C, made.settings()).to_json())
    for exchange in plan.exchanges:
        tasks.collect(plan, exchange)
    assert list(made.root.glob(".staging/*")) == []
    assert tasks.publish(plan)["quarantined"] == []
    assert differing(three_hours.files(*MADE), made.files(*MADE)) == []
    again = tasks.publish(plan)
    assert (again["built"], again["published"]) == (0, 0)
