"""The backfill DAG: its tasks on a recording engine, and the whole DAG against the simulated exchanges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.dags.engine import Engine
from tests.warehouse.trial import MADE, Trial, differing
from transforms.hourly.hours import HOUR
from warehouse import settings
from warehouse.ingest.addresses import HOSTS, pointed
from warehouse.ingest.exchanges import serving
from warehouse.operations.airflow_local import settings_env

FIRST, LAST = datetime(2026, 1, 31, 23), datetime(2026, 2, 1, 1)
ASKED = {
    "rebuild": False,
    "from": "2026-01-31T23:00:00Z",
    "to": "2026-02-01T01:00:00Z",
    "coins": "BTC,ETH",
    "exchanges": "",
}
COLLECTED = [f"collect {exchange}" for exchange in ("binance", "bybit", "okx")]
HELD = [["mart.liquidation_levels", "coin=ETH/date=2026-01-31", "on purpose"]]

Ran = tuple[str, dict[str, str]]
Events = Callable[[], list[tuple[str, str | None, dict[str, Any]]]]


@pytest.fixture
def backfill_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[settings.Settings]:
    """Yield settings, also set in the environment, for simulated exchanges with a clock just after the range."""
    made = settings.load(warehouse=tmp_path / "dag", coins="BTC", source="simulated", now=f"{LAST + HOUR:%FT%T}Z")
    with serving(made) as served:
        at_exchanges = pointed(made, served)
        for name, value in settings_env(at_exchanges).items():
            monkeypatch.setenv(name, value)
        yield at_exchanges


@pytest.fixture
def run_backfill(run_dag: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Return a function that runs the DAG on an engine, at a time after the range."""
    from dags.liquidation_backfill import DAG

    monkeypatch.setenv("LIQ_NOW", f"{LAST + HOUR:%FT%T}Z")
    return lambda engine, **changes: run_dag(DAG, engine, run_conf=ASKED | changes)


@pytest.mark.slow
def test_dag_builds_the_same_files_as_the_command(
    run_dag: Callable[..., Ran], backfill_settings: settings.Settings, tmp_path: Path
) -> None:
    from dags.liquidation_backfill import DAG

    state, tasks = run_dag(DAG, run_conf=ASKED | {"coins": "BTC"})
    assert sorted(tasks) == sorted(["plan", "months", "coins", "publish BTC", *COLLECTED])
    assert (state, set(tasks.values())) == ("success", {"success"})
    by_dag = Trial(tmp_path / "dag", backfill_settings.base_urls()[HOSTS[0]], LAST + HOUR)
    by_command = Trial(tmp_path / "command", by_dag.url, by_dag.now)
    by_command.backfill(FIRST, LAST)
    assert by_dag.rows("position_ledger")["hour_utc"].n_unique() == 3
    assert differing(by_command.files(*MADE), by_dag.files(*MADE)) == []
    assert by_dag.leftovers() == []


def test_each_task_makes_one_call(run_backfill: Callable[..., Ran], events: Events) -> None:
    engine = Engine()
    state, _ = run_backfill(engine)
    assert state == "success"
    assert sorted(engine.called[:6]) == sorted(COLLECTED * 2)
    assert engine.called[6] == "coins"
    assert sorted(engine.called[7:]) == ["publish BTC", "publish ETH"]
    months = {(FIRST, FIRST), (FIRST + HOUR, LAST)}
    assert {(plan.first_hour, plan.last_hour) for plan in engine.plans[:6]} == months
    assert {(plan.first_hour, plan.last_hour) for plan in engine.plans[6:]} == {(FIRST, LAST)}
    assert {(plan.retry_failed, plan.again) for plan in engine.plans} == {(False, False)}
    span = {"hour": LAST.isoformat(), "first_hour": FIRST.isoformat(), "last_hour": LAST.isoformat()}
    told, about = events(), span | {"published": 7, "quarantined": 0}
    said = sorted((name, key, extra.pop("coins"), extra.pop("partitions"), extra == about) for name, key, extra in told)
    layers = {"core": {"core.price_bars": 3}, "mart": {"mart.sweeps": 3}, "model": {}}
    assert said == [(layer, None, [coin], own, True) for layer, own in layers.items() for coin in ("BTC", "ETH")]


@pytest.mark.parametrize("wrong", [{"coins": "BTC;ETH"}, {"exchanges": "binance,"}, {"rebuild": "no"}])
def test_invalid_parameters_are_refused_before_the_run(run_backfill: Callable[..., Ran], wrong: dict[str, Any]) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        run_backfill(Engine(), **wrong)


def test_rebuild_covers_the_whole_range(run_backfill: Callable[..., Ran]) -> None:
    engine = Engine()
    assert run_backfill(engine, rebuild=True, exchanges="okx")[0] == "success"
    assert engine.called[:2] == ["collect okx"] * 2
    assert {plan.again for plan in engine.plans} == {True}


def test_crashed_exchange_prevents_publication(run_backfill: Callable[..., Ran]) -> None:
    engine = Engine(crash=("okx",))
    state, tasks = run_backfill(engine)
    assert (state, tasks["coins"], tasks["publish"]) == ("failed", "upstream_failed", "upstream_failed")
    assert sorted(engine.called) == sorted(COLLECTED * 2)


def test_quarantined_coin_fails_its_task(run_backfill: Callable[..., Ran]) -> None:
    """Only the task of the quarantined coin fails."""
    state, tasks = run_backfill(Engine(quarantined={"ETH": HELD}))
    assert (state, tasks["publish BTC"], tasks["publish ETH"]) == ("failed", "success", "failed")


def test_crashed_coin_does_not_stop_the_others(run_backfill: Callable[..., Ran], events: Events) -> None:
    state, tasks = run_backfill(Engine(crash=("BTC",)))
    assert (state, tasks["publish BTC"], tasks["publish ETH"]) == ("failed", "failed", "success")
    assert [(name, extra["coins"]) for name, _, extra in events()] == [
        ("core", ["ETH"]),
        ("mart", ["ETH"]),
        ("model", ["ETH"]),
    ]
