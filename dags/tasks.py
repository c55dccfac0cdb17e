"""What the DAGs share: which hour, day and exchanges a run is for, how tasks retry, and how a run ends red."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import task
from airflow.sdk.exceptions import AirflowFailException

from warehouse.clock import floor_hour, naive_utc

if TYPE_CHECKING:
    from warehouse.plan import Plan

# 20 s, 40 s, 80 s: over before the next hour is due. What an exchange answers (limits, bans, errors) is waited for and
# recorded inside the task; these are for a machine that was short of memory, disk or patience.
RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(minutes=30),
}


def hour_of(logical_date: datetime | None, run_after: datetime, frozen: datetime | None = None) -> datetime:
    """Return the full hour at or before the logical date.

    A run triggered without a date has none. The frozen clock of a replay stands in, or else the moment that the run
    became due: unlike the clock, it is the same when the run is cleared and run again.
    """
    if logical_date is not None:
        return floor_hour(naive_utc(logical_date))
    return floor_hour(frozen or naive_utc(run_after))


def of_range(params: Mapping[str, Any]) -> Plan:
    """Return the plan that the parameters of a backfill ask for; coins and exchanges default to those of the settings.

    Raises UserError for what no backfill can fill: an unknown exchange, a range that runs backwards or into the future.
    """
    from warehouse import settings
    from warehouse.cli_hours import span
    from warehouse.clock import from_ms
    from warehouse.plan import Plan
    from warehouse.sources import market_clock

    asked = settings.load(coins=params["coins"] or None, exchanges=params["exchanges"] or None)
    first, last = span(from_ms(market_clock(asked)()), None, params["from"], params["to"])
    return replace(Plan.of_range(first, last, asked), catches_up=False, again=params["rebuild"])


def refuse_quarantined(made: dict[str, Any]) -> None:
    """End red if anything is quarantined; what passed is published by then."""
    if made["quarantined"]:
        raise AirflowFailException("quarantined: " + "; ".join(" ".join(what) for what in made["quarantined"]))


@task
def plan(dag_run: Any = None, logical_date: datetime | None = None) -> str:
    """Fix the hour once: a retry after the next full hour is still for this one."""
    from warehouse import settings
    from warehouse.plan import Plan

    configured = settings.load()
    hour = hour_of(logical_date, dag_run.run_after, configured.now)
    return Plan.of_hour(hour, configured).to_json()


@task
def day(dag_run: Any = None, logical_date: datetime | None = None) -> str:
    """Fix the day once, as `plan` does the hour."""
    from warehouse import settings

    return hour_of(logical_date, dag_run.run_after, settings.load().now).date().isoformat()


@task
def exchanges() -> list[str]:
    """List the exchanges that are configured now."""
    from warehouse import settings

    return list(settings.load().exchanges)


@task(map_index_template="{{ task.op_kwargs['exchange'] }}")
def collect(hours: str, exchange: str) -> dict[str, int]:
    """Ask one exchange. One that is down is no failure: its gap is recorded. Two tasks of one exchange take turns."""
    from warehouse.pipeline import run
    from warehouse.plan import Plan

    return run.collect(Plan.from_json(hours), exchange)
