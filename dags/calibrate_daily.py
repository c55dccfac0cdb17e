"""Every day: fit the model to what was liquidated in the days before, for the hours of this one.

The logical date's day is the one that is fitted for, and nothing of that day is looked at. Due before the run of the
first hour, which is then made with the new version.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowFailException

from dags.plan import day
from dags.retries import RETRIES

FITTED = Asset(name="model_parameters", uri="liquidation-warehouse://mart/model_parameters")


@task(outlets=[FITTED])
def calibrate(day: str) -> dict[str, Any]:
    """Fit, check and publish. Too little to learn from is no failure: what applied goes on."""
    from warehouse.calibrate import calibrate_day

    made = calibrate_day(day)
    if made["quarantined"]:
        raise AirflowFailException("quarantined: " + "; ".join(" ".join(what) for what in made["quarantined"]))
    return made


@dag(
    schedule=CronTriggerTimetable("1 0 * * *", timezone="UTC"),
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    doc_md=__doc__,
)
def calibrate_daily() -> None:
    """Wire the tasks."""
    calibrate(day())


DAG = calibrate_daily()
