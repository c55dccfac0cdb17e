"""What was deleted, left out or dropped in between is made again: the tables are as if nobody had disturbed the run."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from expectations.tables import table
from tests.warehouse.trial import MADE, A, Trial, differing
from warehouse import run
from warehouse.addresses import HOSTS
from warehouse.plan import Plan
from warehouse.simulator import Simulation
from warehouse.store import Store

HOUR = timedelta(hours=1)
HISTORY, CLUSTERS = table("cluster_history"), table("liquidation_clusters")
B, C = A + HOUR, A + 2 * HOUR
DAY = f"coin=BTC/date={A:%Y-%m-%d}"


@pytest.fixture(autouse=True)
def unchecked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked, and how, is not at stake here, but takes most of a run."""
    if "task" not in request.node.name:
        monkeypatch.setattr(run, "check_staged", lambda stage, plan, progress: ([], []))


@pytest.fixture(scope="module")
def three_hours(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    made = Trial(tmp_path_factory.mktemp("three_hours") / "warehouse", quiet_exchanges.url)
    made.run(A, C)
    return made


@pytest.mark.parametrize(
    "lost",
    [
        f"mart/liquidation_levels/{DAY}",
        f"mart/standing_positions/{DAY}",
        f"mart/sweeps/{DAY}",
        f"mart/cluster_history/{DAY}",
        f"mart/liquidation_clusters/{DAY}",
        f"mart/cascade_risk/{DAY}",
        f"mart/cascade_reach/{DAY}",
        f"mart/market_summary/coin=BTC/month={A:%Y-%m}",
        f"core/price_bars/{DAY}",
        f"raw/payloads/exchange=okx/date={A:%Y-%m-%d}",
    ],
)
def test_a_deleted_partition_is_made_again(three_hours: Trial, tmp_path: Path, lost: str) -> None:
    made = three_hours.copied(tmp_path / "warehouse")
    shutil.rmtree(made.root / lost)
    made.run(A, C)
    assert differing(three_hours.files(*MADE), made.files(*MADE)) == []


def test_tables_that_a_warehouse_did_not_have_are_made_from_the_month_on(three_hours: Trial, tmp_path: Path) -> None:
    made = Trial(tmp_path / "warehouse", three_hours.url)
    midnight = A.replace(hour=0)
    made.run(midnight - HOUR, midnight)
    before = made.files(*MADE)
    for name in ("cascade_risk", "cascade_reach", "market_summary", "cluster_history"):
        shutil.rmtree(made.root / "mart" / name)
    made.run(midnight)
    assert differing(before, made.files(*MADE)) == []


def test_a_day_whose_clusters_are_lost_keeps_its_history(three_hours: Trial, tmp_path: Path) -> None:
    made = Trial(tmp_path / "warehouse", three_hours.url)
    midnight = A.replace(hour=0)
    made.run(midnight - 25 * HOUR, midnight)
    store = Store(made.root)
    before, past = ({"coin": "BTC", "date": (midnight - back * HOUR).date()} for back in (25, 1))
    kept = store.read(HISTORY, [past])
    assert kept.height
    shutil.rmtree(store.path(HISTORY, before).parent)
    shutil.rmtree(store.path(CLUSTERS, past).parent)
    made.run(midnight + HOUR)
    assert store.find(HISTORY, before)
    assert store.read(HISTORY, [past]).equals(kept)


def test_a_run_of_one_venue_leaves_the_others_and_is_filled_by_the_next(three_hours: Trial, tmp_path: Path) -> None:
    made = Trial(tmp_path / "warehouse", three_hours.url)
    made.run(A)
    made.run(B, exchanges="binance")
    assert set(made.rows("price_bars")["exchange"]) == {"binance", "bybit", "okx"}
    made.run(C)
    assert differing(three_hours.files(*MADE), made.files(*MADE)) == []


def test_an_hour_that_nobody_ran_is_filled(three_hours: Trial, tmp_path: Path) -> None:
    made = Trial(tmp_path / "warehouse", three_hours.url)
    made.run(A)
    made.run(C)
    assert differing(three_hours.files(*MADE), made.files(*MADE)) == []


def test_so_is_the_hour_up_to_midnight_whose_bars_are_of_the_day_before(three_hours: Trial, tmp_path: Path) -> None:
    midnight = A.replace(hour=0)
    whole, made = (Trial(tmp_path / name, three_hours.url) for name in ("whole", "made"))
    whole.run(midnight - HOUR, midnight + 2 * HOUR)
    made.run(midnight - HOUR)
    made.run(midnight + 2 * HOUR)
    assert differing(whole.files(*MADE), made.files(*MADE)) == []


def test_a_task_whose_stage_was_dropped_makes_it_again(
    three_hours: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    plan = Plan.of_hour(C, made.settings())
    for exchange in plan.exchanges:
        run.collect(plan, exchange)
    run.normalise(plan)
    shutil.rmtree(made.root / ".staging")
    run.estimate(plan)
    shutil.rmtree(made.root / ".staging")
    assert run.check(plan)["quarantined"] == []
    run.publish(plan)
    assert differing(three_hours.files(*MADE), made.files(*MADE)) == []
