"""Every hour: ask the exchanges, build what is stale, check it, publish what passed, draw it.

The logical date, floored, is the hour; so a run may be repeated, come late, or be one of `airflow backfill create`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, TriggerRule, dag, task

from dags.tasks import RETRIES, collect, exchanges, plan, refuse_quarantined

PUBLISHED = [Asset(name=layer, uri=f"liquidation-warehouse://{layer}") for layer in ("core", "mart")]


@task(trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS, outlets=PUBLISHED)
def publish(ti: Any = None) -> dict[str, Any]:
    """Build, check and publish. It pulls the plan: as a dependency, `plan` would count in the trigger rule."""
    from warehouse.pipeline import run
    from warehouse.plan import Plan

    return run.publish(Plan.from_json(ti.xcom_pull(task_ids="plan")))


@task
def report(ti: Any = None) -> dict[str, Any]:
    """Draw a page a coin."""
    from warehouse.pipeline import run
    from warehouse.plan import Plan

    return run.draw(Plan.from_json(ti.xcom_pull(task_ids="plan")))


@task
def verdict(published: dict[str, Any]) -> None:
    """Turn the run red if anything is quarantined."""
    refuse_quarantined(published)


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
    collected = collect.partial(hours=plan()).expand(exchange=exchanges())
    published: Any = publish()
    judged = verdict(published)
    collected >> published >> report()
    collected >> judged


DAG = liquidation_hourly()
