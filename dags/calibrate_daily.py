"""Every day: fit the model to what was liquidated in the days before, for the hours of this one, and score the map.

The logical date's day is the one that is fitted for, and nothing of that day is looked at. Due before the run of the
first hour, which is then made with the new version. The score judges those days with the parameters that applied then.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, dag, task

from dags.tasks import RETRIES, day, refuse_quarantined

FITTED = Asset(name="model_parameters", uri="liquidation-warehouse://mart/model_parameters")
SCORED = Asset(name="map_scores", uri="liquidation-warehouse://mart/map_scores")


@task(outlets=[FITTED])
def calibrate(begins: Any) -> dict[str, Any]:
    """Fit, check and publish. Too little to learn from is no failure: what applied goes on."""
    from warehouse.calibrate import calibrate_day

    made = calibrate_day(begins)
    refuse_quarantined(made)
    return made


@task(outlets=[SCORED])
def score(day: str) -> dict[str, Any]:
    """Score, check and publish. Hours of which no liquidations were read are no failure: their scores are null."""
    from warehouse.score import score_day

    made = score_day(day)
    refuse_quarantined(made)
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
    fixed: Any = day()
    calibrate(fixed) >> score(fixed)


DAG = calibrate_daily()
