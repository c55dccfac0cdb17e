"""That Airflow finds exactly the DAGs there are, quickly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.scheduler import PROJECT

LOAD = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
print(json.dumps({
    "errors": bag.import_errors,
    "dags": {dag.dag_id: {
        "tasks": sorted(dag.task_ids),
        "edges": sorted([u, t.task_id] for t in dag.tasks for u in t.upstream_task_ids),
        "schedule": getattr(dag.timetable, "expression", None),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "retries": sorted({t.retries for t in dag.tasks}),
        "outlets": sorted(asset.name for t in dag.tasks for asset in t.outlets),
    } for dag in bag.dags.values()},
    "modules": sorted({m.split(".")[0] for m in sys.modules}),
}))
"""


@pytest.fixture(scope="module")
def loaded(airflow_home: Path) -> dict:
    """What a process that does nothing but load the DAG folder sees."""
    command = [sys.executable, "-c", LOAD, str(PROJECT / "dags")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=airflow_home)
    return json.loads(done.stdout.splitlines()[-1])


def test_every_dag_loads_and_there_are_no_others(loaded: dict) -> None:
    assert loaded["errors"] == {}
    assert sorted(loaded["dags"]) == [
        "calibrate_daily",
        "liquidation_backfill",
        "liquidation_hourly",
        "market_metadata_daily",
    ]


def test_the_hourly_dag_has_its_tasks_in_order(loaded: dict) -> None:
    dag = loaded["dags"]["liquidation_hourly"]
    assert len(dag["tasks"]) == 9
    assert dag["edges"] == [
        ["check", "publish"],
        ["check", "verdict"],
        ["collect", "normalise"],
        ["collect", "verdict"],
        ["estimate", "check"],
        ["exchanges", "collect"],
        ["normalise", "estimate"],
        ["plan", "collect"],
        ["publish", "report"],
        ["publish", "verdict"],
    ]


def test_the_daily_dags_have_their_tasks_in_order(loaded: dict) -> None:
    assert loaded["dags"]["market_metadata_daily"]["edges"] == [["exchanges", "collect_metadata"]]
    assert loaded["dags"]["calibrate_daily"]["edges"] == [
        ["calibrate", "score"],
        ["day", "calibrate"],
        ["day", "score"],
    ]


def test_the_backfill_has_its_tasks_in_order(loaded: dict) -> None:
    assert loaded["dags"]["liquidation_backfill"]["edges"] == [
        ["collect", "core"],
        ["core", "maps"],
        ["months", "collect"],
        ["plan", "core"],
        ["plan", "maps"],
        ["plan", "months"],
    ]


def test_dags_retry_and_never_overlap_or_catch_up(loaded: dict) -> None:
    for dag in loaded["dags"].values():
        assert (dag["catchup"], dag["max_active_runs"], dag["retries"]) == (False, 1, [3])


def test_dags_say_when_and_what_they_publish(loaded: dict) -> None:
    said = {name: (dag["schedule"], dag["outlets"]) for name, dag in loaded["dags"].items()}
    assert said == {
        "calibrate_daily": ("1 0 * * *", ["map_scores", "model_parameters"]),
        "liquidation_backfill": (None, ["core", "mart"]),
        "liquidation_hourly": ("3 * * * *", ["core", "mart"]),
        "market_metadata_daily": ("30 0 * * *", ["market_metadata"]),
    }


def test_loading_imports_nothing_heavy(loaded: dict) -> None:
    """The DAG processor loads these files all day; polars and Great Expectations cost it seconds each time."""
    assert set(loaded["modules"]) & {"altair", "duckdb", "great_expectations", "pandas", "polars", "pyarrow"} == set()
