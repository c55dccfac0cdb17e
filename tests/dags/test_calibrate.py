"""The daily calibration DAG and the outcomes of its tasks, with `dag.test()`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

DUE = datetime(2026, 1, 12, 0, 1, tzinfo=UTC)
DONE = ["2026-01-12", "score 2026-01-12"]


Ran = tuple[str, dict[str, str]]
Events = Callable[[], list[tuple[str, str | None, dict[str, Any]]]]


@pytest.fixture
def run_day(run_dag: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, list[str]]]:
    """Return a function that runs the DAG with a fake fit and score, and returns the run's state and their days."""
    from dags.calibrate_daily import DAG
    from warehouse.evaluation import score
    from warehouse.pipeline import calibrate

    def run_day(due: datetime = DUE, scores: Any = (), **outcome: Any) -> tuple[str, list[str]]:
        called: list[str] = []

        def score_day(day: str) -> dict[str, Any]:
            called.append(f"score {day}")
            return {
                "rows": 12,
                "published": 1,
                "partitions": {"mart.map_scores": 1},
                "coins": ["BTC"],
                "quarantined": list(scores),
            }

        def calibrate_day(day: str) -> dict[str, Any]:
            called.append(day)
            made = {"published": 2, "partitions": {"model.model_parameters": 2}}
            return made | {"quarantined": [], "too_few": []} | outcome

        monkeypatch.setattr(calibrate, "calibrate_day", calibrate_day)
        monkeypatch.setattr(score, "score_day", score_day)
        return run_dag(DAG, logical_date=due)[0], called

    return run_day


def test_logical_date_sets_the_fitted_day(run_day: Callable[..., tuple[str, list[str]]], events: Events) -> None:
    assert run_day() == ("success", DONE)
    hour = {"hour": "2026-01-12T00:00:00"}
    assert events() == [
        ("map_scores", None, hour | {"coins": ["BTC"], "partitions": {"mart.map_scores": 1}}),
        ("model_parameters", None, hour | {"partitions": {"model.model_parameters": 2}}),
    ]
    assert run_day(datetime(2026, 1, 12, 23, 59, tzinfo=UTC)) == ("success", DONE)


def test_too_few_observations_do_not_fail_the_run(run_day: Callable[..., tuple[str, list[str]]]) -> None:
    said = "2026-01-12: 3 hours observed in 45 days, 24 are needed; prior-3 stands"
    assert run_day(published=0, too_few=[said]) == ("success", DONE)


def test_quarantine_fails_the_run(run_day: Callable[..., tuple[str, list[str]]], events: Events) -> None:
    state, done = run_day(quarantined=[["model.model_parameters", "", "weights are positive"]])
    assert (state, done, events()) == ("failed", ["2026-01-12"], [])
    assert run_day(scores=[["mart.map_scores", "coin=BTC/date=2026-01-12", "two hours"]]) == ("failed", DONE)
