"""The shared parts of the DAGs: hour, day and exchanges of a run, retries, assets and events, and quarantine."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, task
from airflow.sdk.exceptions import AirflowFailException

from warehouse.clock import floor_hour, naive_utc

if TYPE_CHECKING:
    from warehouse.plan import Plan

LAYERS = [Asset(name=layer, uri=f"liquidation-warehouse://{layer}") for layer in ("core", "model", "mart")]
"""The assets of the layers. Their events carry no key: a keyed event does not start a DAG with `schedule=[asset]`."""

MART_HOURS = Asset(name="mart_hours", uri="liquidation-warehouse://mart_hours")
"""The hours of the mart. The partition key of an event is its hour, as in 2026-01-12T05:00:00 (UTC).

Its `extra` counts the quarantined partitions; the mart does not have their hour.
"""

# Importing it logs 200 lines at INFO in the middle of the task's log.
logging.getLogger("great_expectations").setLevel(logging.WARNING)

# 20 s, 40 s, 80 s: done before the next hour is due. The client itself waits for rate limits, bans and errors of an
# exchange and records them; these retries are for a machine short of memory, disk or time.
RETRIES: dict[str, Any] = {
    "owner": "liquidation-warehouse",
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(minutes=30),
}


def mapped_task(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return the decorator of a task to be mapped: of others, Airflow shows the docstring by itself."""
    return lambda function: task(doc_md=function.__doc__, **options)(function)


def hour_of(logical_date: datetime | None, run_after: datetime, frozen: datetime | None = None) -> datetime:
    """Return the full hour at or before the logical date.

    A run triggered without a date has no logical date. Its hour is that of the frozen clock of a replay, else that of
    `run_after`, which unlike the clock stays the same when the run is cleared and repeated.
    """
    if logical_date is not None:
        return floor_hour(naive_utc(logical_date))
    return floor_hour(frozen or naive_utc(run_after))


def of_range(params: Mapping[str, Any]) -> Plan:
    """Return the plan of a backfill from its parameters; coins and exchanges default to the settings.

    Raises UserError for an unknown exchange and for a range that runs backwards or into the future.
    """
    from warehouse import settings
    from warehouse.clock import from_ms
    from warehouse.ingest.exchanges import market_clock
    from warehouse.plan import Plan
    from warehouse.time_range import hour_range

    asked = settings.load(coins=params["coins"] or None, exchanges=params["exchanges"] or None)
    first, last = hour_range(from_ms(market_clock(asked)()), None, params["from"], params["to"])
    return replace(Plan.of_range(first, last, asked), retry_failed=False, again=params["rebuild"])


def describe_events(events: Any, assets: Iterable[Asset], asked: Plan, made: dict[str, Any]) -> None:
    """Add the hours, coins and partitions of a publication to the events of `assets`.

    `hour` is the last hour. `partitions` counts the published ones by table: on a layer's event those of the layer,
    elsewhere all.
    """
    layers = {asset.name for asset in LAYERS}
    for asset in assets:
        prefix = f"{asset.name}." if asset.name in layers else ""
        own = {name: count for name, count in made["partitions"].items() if name.startswith(prefix)}
        events[asset].extra.update(
            {
                "hour": asked.last_hour.isoformat(),
                "first_hour": asked.first_hour.isoformat(),
                "last_hour": asked.last_hour.isoformat(),
                "coins": made["coins"],
                "partitions": own,
                "published": made["published"],
                "quarantined": len(made["quarantined"]),
            }
        )


def refuse_quarantined(made: dict[str, Any]) -> None:
    """Fail the task if anything is quarantined; everything that passed is published by then."""
    if made["quarantined"]:
        raise AirflowFailException("quarantined: " + "; ".join(" ".join(held) for held in made["quarantined"]))


@task
def plan(dag_run: Any = None, logical_date: datetime | None = None) -> str:
    """Fix the hour of the run, so that a retry after the next full hour still runs this hour."""
    from warehouse import settings
    from warehouse.plan import Plan

    configured = settings.load()
    hour = hour_of(logical_date, dag_run.run_after, configured.now)
    return Plan.of_hour(hour, configured).to_json()


@task
def day(dag_run: Any = None, logical_date: datetime | None = None) -> str:
    """Fix the day of the run, as `plan` fixes the hour."""
    from warehouse import settings

    return hour_of(logical_date, dag_run.run_after, settings.load().now).date().isoformat()


@task
def exchanges() -> list[str]:
    """List the configured exchanges."""
    from warehouse import settings

    return list(settings.load().exchanges)


@mapped_task(map_index_template="{{ task.op_kwargs['exchange'] }}")
def collect(hours: str, exchange: str) -> dict[str, int]:
    """Collect from one exchange. If it is down, the task records the gap and succeeds.

    Two tasks of one exchange run one after the other.
    """
    from warehouse.pipeline import tasks
    from warehouse.plan import Plan

    return tasks.collect(Plan.from_json(hours), exchange)
