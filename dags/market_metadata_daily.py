"""The daily reference data: request the contracts and risk tiers of each exchange.

The responses are stored unchanged; the next hourly run adds a new version of each contract that has changed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, dag

from dags.tasks import RETRIES, exchanges, mapped_task

STORED = Asset(name="market_metadata", uri="liquidation-warehouse://raw/market_metadata")


@mapped_task(outlets=[STORED], map_index_template="{{ task.op_kwargs['exchange'] }}")
def collect_metadata(exchange: str, outlet_events: Any = None) -> dict[str, Any]:
    """Request the reference data of one exchange and store the responses."""
    from warehouse.pipeline import tasks

    outcomes = tasks.collect_metadata(exchange)
    outlet_events[STORED].extra.update(exchange=exchange, requests=outcomes)
    return outcomes


@dag(
    schedule=CronTriggerTimetable("30 0 * * *", timezone="UTC"),
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    tags=["liquidations", "daily"],
    description="Collect each exchange's contracts and risk tiers",
    doc_md=__doc__,
)
def market_metadata_daily() -> None:
    """Wire the tasks."""
    collect_metadata.expand(exchange=exchanges())


DAG = market_metadata_daily()
