"""What the daily fit's DAG does with the outcome of its tasks, by `dag.test()`."""

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
    """Run the DAG on a fit and a score that only note their day; the state of the run and the days come back."""
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


def test_the_day_of_the_logical_date_is_fitted_for(
    run_day: Callable[..., tuple[str, list[str]]], events: Events
) -> None:
    assert run_day() == ("success", DONE)
    hour = {"hour": "2026-01-12T00:00:00"}
    assert events() == [
        ("map_scores", None, hour | {"coins": ["BTC"], "partitions": {"mart.map_scores": 1}}),
        ("model_parameters", None, hour | {"partitions": {"model.model_parameters": 2}}),
    ]
    assert run_day(datetime(2026, 1, 12, 23, 59, tzinfo=UTC)) == ("success", DONE)


def test_too_little_to_learn_from_is_no_failure(run_day: Callable[..., tuple[str, list[str]]]) -> None:
    said = "2026-01-12: 3 hours observed in 45 days, 24 are needed; prior-3 stands"
    assert run_day(published=0, too_few=[said]) == ("success", DONE)


def test_what_is_quarantined_turns_the_run_red(run_day: Callable[..., tuple[str, list[str]]], events: Events) -> None:
    state, done = run_day(quarantined=[["model.model_parameters", "", "weights are positive"]])
    assert (state, done, events()) == ("failed", ["2026-01-12"], [])
    assert run_day(scores=[["mart.map_scores", "coin=BTC/date=2026-01-12", "two hours"]]) == ("failed", DONE)
