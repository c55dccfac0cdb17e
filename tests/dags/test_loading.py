"""Loading of the DAG folder: the expected DAGs, their wiring, and no heavy imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.operations.airflow_local import PROJECT

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
        "outlets": {t.task_id: sorted(a.name + " " + a.uri for a in t.outlets) for t in dag.tasks if t.outlets},
        "rules": {t.task_id: t.trigger_rule.value for t in dag.tasks if t.trigger_rule != "all_success"},
        "mapped": sorted(t.task_id for t in dag.tasks if t.is_mapped),
        "about": [dag.owner, dag.description, sorted(dag.tags), bool(dag.doc_md)],
        "docs": {t.task_id: (t.partial_kwargs if t.is_mapped else vars(t)).get("doc_md") for t in dag.tasks},
        "params": {name: param.schema for name, param in dag.params.items()},
        "hours": {t.task_id: t.execution_timeout.total_seconds() / 3600 for t in dag.tasks},
    } for dag in bag.dags.values()},
    "modules": sorted({m.split(".")[0] for m in sys.modules}),
}))
"""


@pytest.fixture(scope="module")
def loaded(airflow_home: Path) -> dict:
    """Load the DAG folder in a separate process and return its description of the DAGs."""
    command = [sys.executable, "-c", LOAD, str(PROJECT / "dags")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=airflow_home)
    return json.loads(done.stdout.splitlines()[-1])


def test_exactly_four_dags_load(loaded: dict) -> None:
    assert loaded["errors"] == {}
    assert sorted(loaded["dags"]) == [
        "calibrate_daily",
        "liquidation_backfill",
        "liquidation_hourly",
        "market_metadata_daily",
    ]


def test_hourly_dag_orders_its_tasks(loaded: dict) -> None:
    dag = loaded["dags"]["liquidation_hourly"]
    assert dag["tasks"] == ["collect", "exchanges", "plan", "publish", "report", "verdict"]
    assert dag["mapped"] == ["collect"]
    assert dag["edges"] == [
        ["collect", "publish"],
        ["collect", "verdict"],
        ["exchanges", "collect"],
        ["plan", "collect"],
        ["publish", "report"],
        ["publish", "verdict"],
    ]
    assert dag["rules"] == {"publish": "all_done_min_one_success"}


def test_backfill_dag_orders_its_tasks(loaded: dict) -> None:
    dag = loaded["dags"]["liquidation_backfill"]
    assert dag["tasks"] == ["coins", "collect", "months", "plan", "publish"]
    assert dag["mapped"] == ["collect", "publish"]
    assert dag["edges"] == [
        ["coins", "publish"],
        ["collect", "coins"],
        ["months", "collect"],
        ["plan", "coins"],
        ["plan", "months"],
        ["plan", "publish"],
    ]
    assert dag["rules"] == {}
    assert dag["hours"] == {"coins": 0.5, "collect": 48, "months": 0.5, "plan": 0.5, "publish": 48}


def test_daily_dags_order_their_tasks(loaded: dict) -> None:
    metadata, calibration = loaded["dags"]["market_metadata_daily"], loaded["dags"]["calibrate_daily"]
    assert metadata["tasks"] == ["collect_metadata", "exchanges"]
    assert metadata["edges"] == [["exchanges", "collect_metadata"]]
    assert calibration["tasks"] == ["calibrate", "day", "score"]
    assert calibration["edges"] == [["calibrate", "score"], ["day", "calibrate"], ["day", "score"]]
    assert (metadata["rules"], calibration["rules"]) == ({}, {})


def test_dags_retry_and_never_overlap_or_catch_up(loaded: dict) -> None:
    for dag in loaded["dags"].values():
        assert (dag["catchup"], dag["max_active_runs"], dag["retries"]) == (False, 1, [3])
    for name in ("calibrate_daily", "liquidation_hourly", "market_metadata_daily"):
        assert set(loaded["dags"][name]["hours"].values()) == {0.5}


def test_dags_and_tasks_are_documented(loaded: dict) -> None:
    for name, dag in loaded["dags"].items():
        owner, description, tags, has_docs = dag["about"]
        assert description, name
        assert (owner, "liquidations" in tags, has_docs) == ("liquidation-warehouse", True, True), name
        assert [task for task, text in dag["docs"].items() if not text] == [], name


def test_parameters_are_typed_and_described(loaded: dict) -> None:
    params = loaded["dags"]["liquidation_backfill"]["params"]
    types = {name: schema["type"] for name, schema in params.items()}
    assert types == {"from": "string", "to": "string", "coins": "string", "exchanges": "string", "rebuild": "boolean"}
    assert [name for name, schema in params.items() if not (schema.get("title") and schema["type"])] == []


def test_dags_declare_schedule_and_outlets(loaded: dict) -> None:
    said = {name: (dag["schedule"], dag["outlets"]) for name, dag in loaded["dags"].items()}
    core, model, mart = (f"{layer} liquidation-warehouse://{layer}/" for layer in ("core", "model", "mart"))
    assert said == {
        "calibrate_daily": (
            "1 0 * * *",
            {
                "calibrate": ["model_parameters liquidation-warehouse://model/model_parameters"],
                "score": ["map_scores liquidation-warehouse://mart/map_scores"],
            },
        ),
        "liquidation_backfill": (None, {"publish": [core, mart, model]}),
        "liquidation_hourly": (
            "3 * * * *",
            {"publish": [core, mart, "mart_hours liquidation-warehouse://mart_hours/", model]},
        ),
        "market_metadata_daily": (
            "30 0 * * *",
            {"collect_metadata": ["market_metadata liquidation-warehouse://raw/market_metadata"]},
        ),
    }


def test_loading_imports_nothing_heavy(loaded: dict) -> None:
    """The DAG processor loads these files all day; polars and Great Expectations cost it seconds each time."""
    assert set(loaded["modules"]) & {"altair", "duckdb", "great_expectations", "pandas", "polars", "pyarrow"} == set()
