"""The DAG of a backfill, all of it, against the simulated exchanges over HTTP: the same files as by command."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from warehouse.backfill import backfill

from tests.warehouse.trial import MADE, Trial, differing
from warehouse import settings
from warehouse.addresses import HOSTS, pointed
from warehouse.clock import HOUR
from warehouse.scheduler import settings_env
from warehouse.sources import serving

FIRST, LAST = datetime(2026, 1, 31, 23), datetime(2026, 2, 1, 1)
ASKED = {
    "rebuild": False,
    "from": "2026-01-31T23:00:00Z",
    "to": "2026-02-01T01:00:00Z",
    "coins": "BTC",
    "exchanges": "",
}


@pytest.fixture
def asked(tmp_path: Path) -> Any:
    """Settings of a warehouse over exchanges whose clock stands a little after the range."""
    made = settings.load(warehouse=tmp_path / "dag", coins="BTC", source="simulated", now=f"{LAST + HOUR:%FT%T}Z")
    with serving(made) as served:
        yield pointed(made, served)


def test_months_of_venues_then_core_then_maps_by_coin(
    migrated_home: Path, asked: settings.Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings_env(asked).items():
        monkeypatch.setenv(name, value)
    from dags.liquidation_backfill import DAG

    ran = DAG.test(run_conf=ASKED)
    tasks = [f"{ti.task_id} {ti.rendered_map_index or ''}".strip() for ti in ran.get_task_instances()]
    collected = [f"collect {exchange}" for exchange in ("binance", "bybit", "okx")] * 2
    assert sorted(tasks) == sorted(["plan", "months", "core", "maps BTC", *collected])
    assert str(ran.state) == "success"
    by_dag = Trial(tmp_path / "dag", asked.base_urls()[HOSTS[0]], LAST + HOUR)
    by_command = Trial(tmp_path / "command", by_dag.url, by_dag.now)
    backfill(by_command.settings(), FIRST, LAST)
    assert by_dag.rows("position_books")["hour_utc"].n_unique() == 3
    assert differing(by_command.files(*MADE), by_dag.files(*MADE)) == []
    assert by_dag.leftovers() == []


def test_what_is_held_back_turns_it_red(
    migrated_home: Path, asked: settings.Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two coins one is held back: its task fails, the other's does not."""
    for name, value in settings_env(asked).items():
        monkeypatch.setenv(name, value)
    from dags.liquidation_backfill import DAG
    from warehouse import backfill as module
    from warehouse import run

    for task in DAG.tasks:
        monkeypatch.setattr(task, "retries", 0)
    held = [["mart.liquidation_levels", "coin=ETH/date=2026-01-31", "on purpose"]]
    monkeypatch.setattr(run, "collect", lambda plan, exchange: {})
    monkeypatch.setattr(
        module, "core", lambda plan, again: {"published": 1, "quarantined": [], "coins": ["BTC", "ETH"]}
    )
    monkeypatch.setattr(
        module, "maps", lambda plan, coin: {"published": 1, "quarantined": held if coin == "ETH" else []}
    )
    ran = DAG.test(run_conf=ASKED | {"coins": "BTC,ETH"})
    states = {ti.rendered_map_index: str(ti.state) for ti in ran.get_task_instances() if ti.task_id == "maps"}
    assert (str(ran.state), sorted(states.values())) == ("failed", ["failed", "success"])
