"""A user's DAG that waits for the mart of an hour and reads that hour."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, PartitionedAssetTimetable, StartOfHourMapper, dag, task

HOURS = Asset(name="mart_hours", uri="liquidation-warehouse://mart_hours")


@task
def read(partition_key: str | None = None, triggering_asset_events: Any = None) -> dict[str, Any]:
    """Return the hour, its number of rows in the mart, and the extras of its events."""
    from warehouse import settings
    from warehouse.catalog.build import connect
    from warehouse.catalog.snapshot_queries import query

    with connect(settings.load().root) as catalog:
        rows = query(catalog, f"SELECT coin FROM mart.market_summary WHERE hour_utc = TIMESTAMP '{partition_key}'")
    events = [event.extra for event in triggering_asset_events[HOURS]]
    return {"hour": partition_key, "rows": rows.height, "events": events}


@dag(
    schedule=PartitionedAssetTimetable(
        assets=HOURS, default_partition_mapper=StartOfHourMapper(output_format="%Y-%m-%dT%H:00:00")
    ),
    catchup=False,
)
def hour_reader() -> None:
    """Wire the task."""
    read()


hour_reader()
