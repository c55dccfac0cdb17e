"""One run of `liquidation_hourly` in this process, without a scheduler: `python -m dags.run_once 2026-01-12T00:00:00Z`.

Standard output has a line for each task; the logs of Airflow and of the tasks go to standard error.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from typing import Any, TextIO

from airflow.listeners import hookimpl
from airflow.sdk import DagRunState
from airflow.sdk.listener import get_listener_manager

from dags.liquidation_hourly import DAG


class Progress:
    """An Airflow listener that prints how each task ended."""

    def __init__(self, out: TextIO) -> None:
        self.out = out

    @hookimpl
    def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:
        """Print that the task is done."""
        print(f"{_label(task_instance)}: done", file=self.out, flush=True)

    @hookimpl
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:
        """Print the error of the task."""
        print(f"{_label(task_instance)}: failed: {error}", file=self.out, flush=True)


def _label(task_instance: Any) -> str:
    mapped_over = getattr(task_instance, "rendered_map_index", None)
    return f"{task_instance.task_id} {mapped_over}" if mapped_over else str(task_instance.task_id)


def main(hour: str) -> int:
    """Run the DAG for `hour` and return the exit code."""
    progress = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    get_listener_manager().add_listener(Progress(progress))
    for task in DAG.tasks:
        task.retries = 0  # a user is waiting: show an error at once, not after retries
    return 0 if DAG.test(logical_date=datetime.fromisoformat(hour)).state == DagRunState.SUCCESS else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
