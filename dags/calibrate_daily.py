"""The daily fit: fit the model to the liquidations of the days before the logical date, then score the map.

The parameters apply from that day on; the fit reads no data of the day itself. It is scheduled before the run of the
day's first hour, which uses the new version. The score covers the days before, with the parameters that applied then.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, dag, task

from dags.tasks import RETRIES, day, refuse_quarantined

FITTED = Asset(name="model_parameters", uri="liquidation-warehouse://model/model_parameters")
SCORED = Asset(name="map_scores", uri="liquidation-warehouse://mart/map_scores")


@task(outlets=[FITTED])
def calibrate(begins: Any, outlet_events: Any = None) -> dict[str, Any]:
    """Fit, check and publish. With too few hours of liquidations the task succeeds and the last version applies."""
    from warehouse.pipeline.calibrate import calibrate_day

    made = calibrate_day(begins)
    refuse_quarantined(made)
    outlet_events[FITTED].extra.update(hour=f"{begins}T00:00:00", partitions=made["partitions"])
    return made


@task(outlets=[SCORED])
def score(day: str, outlet_events: Any = None) -> dict[str, Any]:
    """Score, check and publish. Without liquidations to compare with, the scores are null and the task succeeds."""
    from warehouse.evaluation.score import score_day

    made = score_day(day)
    refuse_quarantined(made)
    outlet_events[SCORED].extra.update(hour=f"{day}T00:00:00", coins=made["coins"], partitions=made["partitions"])
    return made


@dag(
    schedule=CronTriggerTimetable("1 0 * * *", timezone="UTC"),
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    tags=["liquidations", "daily"],
    description="Fit the model to the liquidations of the days before, and score the map",
    doc_md=__doc__,
)
def calibrate_daily() -> None:
    """Wire the tasks."""
    fixed: Any = day()
    calibrate(fixed) >> score(fixed)


DAG = calibrate_daily()
