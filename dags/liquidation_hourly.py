"""Every hour: ask the exchanges, work out the map, check it, publish what passed, draw it.

The logical date, floored, is the hour; so a run may be repeated, come late, or be one of `airflow backfill create`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, TriggerRule, chain, dag, task
from airflow.sdk.exceptions import AirflowFailException

from dags.plan import exchanges, plan
from dags.retries import RETRIES
from dags.stages import collect, stage

PUBLISHED = [Asset(name=layer, uri=f"liquidation-warehouse://{layer}") for layer in ("core", "mart")]


@task
def verdict(checked: dict[str, Any]) -> None:
    """Turn the run red if anything is quarantined; what passed is published by then."""
    if checked["quarantined"]:
        raise AirflowFailException("quarantined: " + "; ".join(" ".join(what) for what in checked["quarantined"]))


@dag(
    schedule=CronTriggerTimetable("3 * * * *", timezone="UTC"),  # exchanges need a moment for the hour's readings
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    doc_md=__doc__,
)
def liquidation_hourly() -> None:
    """Wire the tasks. If collecting crashes for one exchange the others keep their hour, and the run ends red."""
    collected = collect.partial(hour=plan()).expand(exchange=exchanges())
    normalised = stage("normalise", trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    checked = stage("check")
    judged = verdict(checked)
    published = stage("publish", outlets=PUBLISHED)
    chain(collected, normalised, stage("estimate"), checked, published, [judged, stage("report")])
    collected >> judged


DAG = liquidation_hourly()
