"""The hourly run: request data from the exchanges, rebuild stale partitions, check, publish, and write the reports.

The hour is the logical date, floored, so a run can be late, repeated, or started by `airflow backfill create`.
To wait for the mart of an hour, schedule a DAG on the asset `mart_hours` with
`PartitionedAssetTimetable(assets=MART_HOURS)`; its partition key is the hour, as in 2026-01-12T05:00:00.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronTriggerTimetable, TriggerRule, dag, task

from dags.tasks import LAYERS, MART_HOURS, RETRIES, collect, describe_events, exchanges, plan, refuse_quarantined


@task(trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS, outlets=[*LAYERS, MART_HOURS])
def publish(ti: Any = None, outlet_events: Any = None) -> dict[str, Any]:
    """Build, check and publish. It pulls the plan by XCom: as a dependency, `plan` would count in the trigger rule."""
    from warehouse.pipeline import tasks
    from warehouse.plan import Plan

    asked = Plan.from_json(ti.xcom_pull(task_ids="plan"))
    made = tasks.publish(asked)
    describe_events(outlet_events, [*LAYERS, MART_HOURS], asked, made)
    outlet_events[MART_HOURS].add_partitions(f"{asked.first_hour:%Y-%m-%dT%H:00:00}")
    return made


@task
def report(ti: Any = None) -> dict[str, Any]:
    """Write a report for each coin."""
    from warehouse.pipeline import tasks
    from warehouse.plan import Plan

    return tasks.draw(Plan.from_json(ti.xcom_pull(task_ids="plan")))


@task
def verdict(published: dict[str, Any]) -> None:
    """Fail the run if anything is quarantined."""
    refuse_quarantined(published)


@dag(
    schedule=CronTriggerTimetable("3 * * * *", timezone="UTC"),  # exchanges publish an hour's data with a delay
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    tags=["liquidations", "hourly"],
    description="Collect, build, check, publish and draw one hour",
    doc_md=__doc__,
)
def liquidation_hourly() -> None:
    """Wire the tasks. If `collect` fails for one exchange, the others are published and the run fails."""
    collected = collect.partial(hours=plan()).expand(exchange=exchanges())
    published: Any = publish()
    judged = verdict(published)
    collected >> published >> report()
    collected >> judged


DAG = liquidation_hourly()
