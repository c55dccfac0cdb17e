"""What the hourly DAG does when a stage fails, by `dag.test()` with stages that only note that they were called."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

STAGES = ("collect", "normalise", "estimate", "check", "publish", "report")
HOUR = datetime(2026, 1, 12, 5, 3, tzinfo=UTC)


class Stages:
    """`warehouse.run`, as far as the DAG calls it."""

    def __init__(self, crash: tuple[str, ...] = (), quarantined: tuple[tuple[str, ...], ...] = ()) -> None:
        self.crash, self.quarantined = crash, quarantined
        self.called: list[str] = []
        self.hours: set[datetime] = set()

    def named(self, name: str) -> Callable[..., dict[str, Any]]:
        def stage(plan: Any, *exchange: str) -> dict[str, Any]:
            self.called.append(" ".join([name, *exchange]))
            self.hours.add(plan.first_hour)
            if set(self.crash) & {name, *exchange}:
                raise RuntimeError(f"{name} crashed on purpose")
            return {"passed": [], "quarantined": list(self.quarantined)}

        return stage


@pytest.fixture
def run_hour(migrated_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Stages], dict[str, Any]]:
    """Run the DAG on stages; the state of the run and of each task comes back."""
    from dags.liquidation_hourly import DAG
    from warehouse import run

    for task in DAG.tasks:
        monkeypatch.setattr(task, "retries", 0)

    def run_hour(stages: Stages) -> dict[str, Any]:
        for name in STAGES:
            monkeypatch.setattr(run, name, stages.named(name))
        dag_run = DAG.test(logical_date=HOUR)
        states = {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances() if ti.task_id != "collect"}
        return {"run": str(dag_run.state), **states}

    return run_hour


def test_every_stage_runs_in_order_for_the_hour(run_hour: Callable[[Stages], dict[str, Any]]) -> None:
    stages = Stages()
    assert set(run_hour(stages).values()) == {"success"}
    assert sorted(stages.called[:3]) == ["collect binance", "collect bybit", "collect okx"]
    assert stages.called[3:] == ["normalise", "estimate", "check", "publish", "report"]
    assert stages.hours == {datetime(2026, 1, 12, 5)}


def test_one_exchange_crashing_costs_the_others_nothing_but_shows(run_hour: Callable[[Stages], dict[str, Any]]) -> None:
    stages = Stages(crash=("okx",))
    states = run_hour(stages)
    assert stages.called[3:] == ["normalise", "estimate", "check", "publish", "report"]
    assert (states["publish"], states["verdict"], states["run"]) == ("success", "upstream_failed", "failed")


def test_when_every_exchange_crashes_nothing_is_built(run_hour: Callable[[Stages], dict[str, Any]]) -> None:
    stages = Stages(crash=("binance", "bybit", "okx"))
    assert run_hour(stages)["run"] == "failed"
    assert len(stages.called) == 3


def test_what_is_quarantined_turns_the_run_red_after_the_rest_is_out(
    run_hour: Callable[[Stages], dict[str, Any]],
) -> None:
    stages = Stages(quarantined=(("mart.liquidation_levels", "coin=BTC", "books do not balance"),))
    states = run_hour(stages)
    assert (states["publish"], states["verdict"], states["run"]) == ("success", "failed", "failed")


def test_a_run_can_be_repeated(run_hour: Callable[[Stages], dict[str, Any]]) -> None:
    assert run_hour(Stages(crash=("estimate",)))["run"] == "failed"
    assert run_hour(Stages())["run"] == "success"
