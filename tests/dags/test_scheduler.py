"""Once under a real scheduler: up, a run, Airflow's own backfill, and down without anything left."""

from __future__ import annotations

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

from warehouse.scheduler import airflow_env

UP = """
import sys
from pathlib import Path
from warehouse import scheduler, settings
scheduler.up(settings.load(), int(sys.argv[1]), home=Path(sys.argv[2]), report=lambda line: print(line, flush=True))
"""

pytestmark = pytest.mark.scheduler


class Airflow:
    """`liq up` in a process of its own."""

    def __init__(self, home: Path, warehouse: Path, port: int) -> None:
        self.home, self.port = home, port
        self.env = os.environ | airflow_env(home, port) | {"LIQ_WAREHOUSE": str(warehouse), "LIQ_COINS": "BTC"}
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
        """An Airflow command; where its SQLite file is being written it fails at once and undoes itself, so again."""
        command = [sys.executable, "-m", "airflow", *arguments]
        asked = subprocess.run(command, env=self.env, capture_output=True, text=True)
        if asked.returncode:
            raise RuntimeError(asked.stderr)

    def runs(self, kind: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{self.port}/api/v2/dags/liquidation_hourly/dagRuns"
        answer = httpx.get(url, params={"run_type": kind}, timeout=30, trust_env=False)
        return answer.json()["dag_runs"] if answer.is_success else []

    def ended(self, kind: str, count: int) -> list[dict[str, Any]]:
        """The runs of a kind, once there are `count` and all have ended."""
        runs = self.runs(kind)
        over = len(runs) >= count and all(run["state"] in ("success", "failed") for run in runs)
        return runs if over else []


@pytest.fixture
def airflow(migrated_home: Path, tmp_path: Path) -> Iterator[Airflow]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    airflow = Airflow(migrated_home, tmp_path / "data", port)
    try:
        yield airflow
    finally:
        if airflow.process.poll() is None:
            airflow.process.terminate()
            airflow.process.wait(60)


def test_the_scheduler_runs_the_hour_backfills_and_ends_with_all_its_children(airflow: Airflow) -> None:
    airflow.until("Airflow", lambda: "Ctrl-C ends everything" in airflow.said.read_text(), 250)

    # Unpaused, so the hour that is under way is due at once.
    scheduled = airflow.until("scheduled run", lambda: airflow.ended("scheduled", 1), 240)
    assert [run["state"] for run in scheduled] == ["success"]

    day = f"{datetime.fromisoformat(scheduled[0]['logical_date']) - timedelta(days=1):%Y-%m-%d}"
    dates = ["--from-date", f"{day}T00:00:00", "--to-date", f"{day}T00:59:00", "--reprocess-behavior", "completed"]
    airflow.command("backfill", "create", "--dag-id", "liquidation_hourly", *dates)
    backfilled = airflow.until("backfilled run", lambda: airflow.ended("backfill", 1), 240)
    assert [(run["logical_date"][:16], run["state"]) for run in backfilled] == [(f"{day}T00:03", "success")]

    children = psutil.Process(airflow.process.pid).children(recursive=True)
    assert len(children) >= 3
    airflow.process.send_signal(signal.SIGTERM)
    assert airflow.process.wait(60) == 0
    assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    assert "Ended: all" in airflow.said.read_text()
