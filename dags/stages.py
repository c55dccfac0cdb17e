"""The stages of `warehouse.run` as tasks."""

from __future__ import annotations

from typing import Any

from airflow.sdk import task


@task(map_index_template="{{ task.op_kwargs['exchange'] }}")
def collect(hour: str, exchange: str) -> dict[str, Any]:
    """Ask one exchange. One that is down is no failure: its gap is recorded."""
    from warehouse import run
    from warehouse.plan import Plan

    return run.collect(Plan.from_json(hour), exchange)


def stage(name: str, **options: Any) -> Any:
    """`warehouse.run.<name>` as a task. It pulls the plan: as a dependency, `plan` would count in trigger rules."""

    @task(task_id=name, **options)
    def run_stage(ti: Any = None) -> dict[str, Any]:
        from warehouse import run
        from warehouse.plan import Plan

        outcome: dict[str, Any] = getattr(run, name)(Plan.from_json(ti.xcom_pull(task_ids="plan")))
        return outcome

    return run_stage()
