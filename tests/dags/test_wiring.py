"""DAGs with failing tasks: `dag.test()` on an engine that only records its calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.dags.engine import PARTITIONS, Engine

HOUR = datetime(2026, 1, 12, 5)
DUE = datetime(2026, 1, 12, 5, 3, tzinfo=UTC)
COLLECTED = ["collect binance", "collect bybit", "collect okx"]
PUBLISHED = "publish BTC ETH"
ONE_HOUR = {"coins": ["BTC", "ETH"]} | dict.fromkeys(("hour", "first_hour", "last_hour"), "2026-01-12T05:00:00")
HELD = [["mart.liquidation_levels", "coin=BTC", "books do not balance"]]

Ran = tuple[str, dict[str, str]]
Events = Callable[[], list[tuple[str, str | None, dict[str, Any]]]]


@pytest.fixture
def run_hour(run_dag: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Return a function that runs the hourly DAG on an engine."""
    from dags.liquidation_hourly import DAG

    monkeypatch.setenv("LIQ_COINS", "BTC,ETH")

    def run_hour(engine: Engine, **options: Any) -> Ran:
        return run_dag(DAG, engine, **{"logical_date": DUE, **options})

    return run_hour


def test_each_task_makes_one_call_for_the_hour(run_hour: Callable[..., Ran]) -> None:
    engine = Engine()
    state, tasks = run_hour(engine)
    assert (state, set(tasks.values())) == ("success", {"success"})
    assert sorted(tasks) == [*COLLECTED, "exchanges", "plan", "publish", "report", "verdict"]
    assert sorted(engine.called[:3]) == COLLECTED
    assert engine.called[3:] == [PUBLISHED, "draw"]
    assert {(plan.first_hour, plan.last_hour) for plan in engine.plans} == {(HOUR, HOUR)}


def test_crashed_exchange_fails_the_run_but_others_publish(run_hour: Callable[..., Ran], events: Events) -> None:
    engine = Engine(crash=("okx",))
    state, tasks = run_hour(engine)
    assert engine.called[3:] == [PUBLISHED, "draw"]
    assert state == "failed"
    assert tasks == {
        "collect binance": "success",
        "collect bybit": "success",
        "collect okx": "failed",
        "exchanges": "success",
        "plan": "success",
        "publish": "success",
        "report": "success",
        "verdict": "upstream_failed",
    }
    assert [name for name, _, _ in events()] == ["core", "mart", "mart_hours", "model"]


def test_nothing_is_published_when_every_exchange_crashes(run_hour: Callable[..., Ran], events: Events) -> None:
    engine = Engine(crash=("binance", "bybit", "okx"))
    assert run_hour(engine)[0] == "failed"
    assert sorted(engine.called) == COLLECTED
    assert events() == []


def test_crashed_publication_emits_no_events(run_hour: Callable[..., Ran], events: Events) -> None:
    engine = Engine(crash=("publish",))
    state, tasks = run_hour(engine)
    assert engine.called[3:] == [PUBLISHED]
    assert (state, tasks["publish"]) == ("failed", "failed")
    assert (tasks["report"], tasks["verdict"]) == ("upstream_failed", "upstream_failed")
    assert events() == []


def test_quarantine_fails_the_run_after_publication(run_hour: Callable[..., Ran], events: Events) -> None:
    engine = Engine(quarantined={"BTC": HELD})
    state, tasks = run_hour(engine)
    assert (tasks["publish"], tasks["report"], tasks["verdict"], state) == ("success", "success", "failed", "failed")
    assert {extra["quarantined"] for _, _, extra in events()} == {1}


def test_failed_plan_stops_collection_and_publication(
    run_hour: Callable[..., Ran], events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIQ_EXCHANGES", "kraken")
    engine = Engine()
    state, tasks = run_hour(engine)
    assert (state, tasks["plan"], tasks["publish"]) == ("failed", "failed", "upstream_failed")
    assert (engine.called, events()) == ([], [])


def test_run_can_be_repeated(run_hour: Callable[..., Ran]) -> None:
    assert run_hour(Engine(crash=("publish",)))[0] == "failed"
    assert run_hour(Engine())[0] == "success"


@pytest.mark.parametrize(
    "due",
    [{"logical_date": DUE}, {"logical_date": None, "run_after": DUE}],
    ids=["scheduled", "triggered without a date"],
)
def test_only_mart_hours_has_the_hour_as_partition_key(
    run_hour: Callable[..., Ran], events: Events, due: dict[str, Any]
) -> None:
    assert run_hour(Engine(), **due)[0] == "success"
    extra = {**ONE_HOUR, "published": 7, "quarantined": 0}
    assert events() == [
        ("core", None, extra | {"partitions": {"core.price_bars": 3}}),
        ("mart", None, extra | {"partitions": {"mart.sweeps": 3}}),
        ("mart_hours", "2026-01-12T05:00:00", extra | {"partitions": PARTITIONS}),
        ("model", None, extra | {"partitions": {}}),
    ]


def test_metadata_makes_one_call_per_exchange(run_dag: Callable[..., Ran], events: Events) -> None:
    from dags.market_metadata_daily import DAG

    engine = Engine(crash=("bybit",))
    state, tasks = run_dag(DAG, engine, logical_date=DUE)
    assert sorted(engine.called) == ["collect_metadata binance", "collect_metadata bybit", "collect_metadata okx"]
    assert (state, tasks["collect_metadata bybit"], tasks["collect_metadata okx"]) == ("failed", "failed", "success")
    told = [(name, extra["exchange"], extra["requests"]) for name, _, extra in events()]
    assert sorted(told) == [("market_metadata", "binance", {}), ("market_metadata", "okx", {})]
