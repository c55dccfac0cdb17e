"""A real scheduler: start, a run, Airflow's own backfill, a triggered backfill, and a clean stop.

A user's DAG in a separate folder waits for the mart of each hour.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from tenacity import retry, retry_if_exception_message, stop_after_attempt

from warehouse.operations.airflow_local import airflow_env

UP = """
import sys
from pathlib import Path
from warehouse import settings
from warehouse.operations import airflow_local as scheduler
scheduler.up(settings.load(), int(sys.argv[1]), home=Path(sys.argv[2]), report=lambda line: print(line, flush=True))
"""

LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"
BUNDLES = [
    {"name": "dags-folder", "classpath": LOCAL, "kwargs": {}},
    {"name": "user", "classpath": LOCAL, "kwargs": {"path": str(Path(__file__).parent / "user")}},
]

pytestmark = [pytest.mark.scheduler, pytest.mark.slow]


class Airflow:
    """A separate process of `liq up`."""

    def __init__(self, home: Path, warehouse: Path, port: int) -> None:
        self.home, self.port = home, port
        self.env = os.environ | airflow_env(home, port) | {"LIQ_WAREHOUSE": str(warehouse), "LIQ_COINS": "BTC"}
        self.env["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"] = json.dumps(BUNDLES)
        self.said = home / "said.log"
        with self.said.open("w") as out:
            command = [sys.executable, "-c", UP, str(port), str(home)]
            self.process = subprocess.Popen(command, env=self.env, stdout=out, stderr=out)

    def until(self, what: str, happened: Callable[[], Any], seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.said.read_text()
            if found := happened():
                return found
            time.sleep(0.5)
        raise AssertionError(f"no {what} within {seconds:.0f} s:\n{self.said.read_text()}")

    @retry(retry=retry_if_exception_message(match="(?s).*database is locked"), stop=stop_after_attempt(5), reraise=True)
    def command(self, *arguments: str) -> None:
        """Run an Airflow command; retry it while its SQLite file is locked, since a failed command rolls back."""
        command = [sys.executable, "-m", "airflow", *arguments]
        asked = subprocess.run(command, env=self.env, capture_output=True, text=True)
        if asked.returncode:
            raise RuntimeError(asked.stderr)

    def get(self, path: str, **params: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/api/v2/dags/{path}"
        answer = httpx.get(url, params=params, timeout=30, trust_env=False)
        return answer.json() if answer.is_success else {}

    def ended(self, kind: str, count: int, dag: str = "liquidation_hourly") -> list[dict[str, Any]]:
        """Return the runs of a kind, or none until there are `count` and all have ended."""
        runs = self.get(f"{dag}/dagRuns", run_type=kind).get("dag_runs", [])
        over = len(runs) >= count and all(run["state"] in ("success", "failed") for run in runs)
        return runs if over else []

    def log(self, dag: str, run: dict[str, Any], task: str) -> str:
        """Return the log of the first attempt of an unmapped task."""
        folder = self.home / "logs" / f"dag_id={dag}" / f"run_id={run['dag_run_id']}" / f"task_id={task}"
        return (folder / "attempt=1.log").read_text()


@pytest.fixture
def airflow(own_home: Path, tmp_path: Path) -> Iterator[Airflow]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    airflow = Airflow(own_home, tmp_path / "data", port)
    try:
        yield airflow
    finally:
        if airflow.process.poll() is None:
            airflow.process.terminate()
            airflow.process.wait(60)


def _reads(airflow: Airflow) -> dict[str, dict[str, Any]]:
    """Return the ended runs of the user's DAG by the hour that triggered them."""
    runs = airflow.get("hour_reader/dagRuns", run_type="asset_triggered").get("dag_runs", [])
    return {run["partition_key"]: run for run in runs if run["state"] in ("success", "failed")}


def _require_read(airflow: Airflow, hour: str) -> None:
    """Require that the user's DAG ran for the hour, found it in the mart, and received the publication's extras."""
    run = airflow.until(f"read of {hour}", lambda: _reads(airflow).get(hour), 60)
    path = f"hour_reader/dagRuns/{run['dag_run_id']}/taskInstances/read/xcomEntries/return_value"
    value = airflow.get(path, deserialize="true")["value"]
    (event,) = value["events"]
    assert (run["state"], value["hour"], value["rows"]) == ("success", hour, 1)
    assert (event["coins"], event["first_hour"], event["last_hour"]) == (["BTC"], hour, hour)


def test_scheduler_runs_backfills_and_stops_its_children(airflow: Airflow) -> None:
    airflow.until("Airflow", lambda: "stop everything with Ctrl-C" in airflow.said.read_text(), 250)

    # The DAG is unpaused, so the current hour is due at once.
    scheduled = airflow.until("scheduled run", lambda: airflow.ended("scheduled", 1), 240)
    assert [run["state"] for run in scheduled] == ["success"]
    hour = scheduled[0]["logical_date"][:13] + ":00:00"
    _require_read(airflow, hour)
    said = airflow.log("liquidation_hourly", scheduled[0], "publish")
    assert [word for word in ("built core.", "built mart.", "checked: ", "published ") if word not in said] == []
    assert "great_expectations" not in said

    day = f"{datetime.fromisoformat(scheduled[0]['logical_date']) - timedelta(days=1):%Y-%m-%d}"
    dates = ["--from-date", f"{day}T00:00:00", "--to-date", f"{day}T00:59:00", "--reprocess-behavior", "completed"]
    airflow.command("backfill", "create", "--dag-id", "liquidation_hourly", *dates)
    backfilled = airflow.until("backfilled run", lambda: airflow.ended("backfill", 1), 240)
    assert [(run["logical_date"][:16], run["state"]) for run in backfilled] == [(f"{day}T00:03", "success")]
    _require_read(airflow, f"{day}T00:00:00")

    asked = {"from": f"{day}T00:00:00Z", "to": f"{day}T01:00:00Z", "coins": "BTC,ETH"}
    airflow.command("dags", "trigger", "liquidation_backfill", "--conf", json.dumps(asked))
    triggered = airflow.until("triggered run", lambda: airflow.ended("manual", 1, "liquidation_backfill"), 240)
    assert [run["state"] for run in triggered] == ["success"]
    assert f"{day}T01:00:00" not in _reads(airflow)  # the events of a backfill have no key

    children = psutil.Process(airflow.process.pid).children(recursive=True)
    assert len(children) >= 3
    airflow.process.send_signal(signal.SIGTERM)
    assert airflow.process.wait(60) == 0
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    assert "Stopped all" in airflow.said.read_text()
