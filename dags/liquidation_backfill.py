"""Load a past range: collect by exchange and month, then build, check and publish by coin.

It has no schedule: trigger it with its parameters. For a few hours, `airflow backfill create` on `liquidation_hourly`
does the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from dags.tasks import LAYERS, RETRIES, collect, describe_events, mapped_task, of_range, refuse_quarantined

_LONG = timedelta(days=2)
_NAMES = r"^\s*([A-Za-z0-9]+(\s*,\s*[A-Za-z0-9]+)*)?\s*$"  # separated by commas, or none
_OWN = "empty: those of the settings"
PARAMS = {
    "from": Param(type="string", format="date-time", title="First hour", description="e.g. 2025-12-01T00:00:00Z"),
    "to": Param(type="string", format="date-time", title="Last hour", description="Inclusive"),
    "coins": Param("", f"BTC,ETH or all; {_OWN}", type="string", title="Coins", pattern=_NAMES),
    "exchanges": Param("", f"binance,okx; {_OWN}", type="string", title="Exchanges", pattern=_NAMES),
    "rebuild": Param(False, "Build the whole range again, stale or not", type="boolean", title="Rebuild"),
}


@task
def plan(params: Any = None) -> str:
    """Fix the range, coins and exchanges."""
    return of_range(params).to_json()


@task
def months(asked: str) -> list[dict[str, str]]:
    """Split the range into a piece for each exchange and month."""
    from warehouse.plan import Plan

    whole = Plan.from_json(asked)
    return [{"hours": month.to_json(), "exchange": name} for month in whole.months() for name in whole.exchanges]


@task
def coins(asked: str) -> list[str]:
    """List the coins to publish: the requested ones, or with `all` every coin with a response from an exchange."""
    from warehouse.pipeline import tasks
    from warehouse.plan import Plan

    return tasks.coins(Plan.from_json(asked))


@mapped_task(map_index_template="{{ task.op_kwargs['coin'] }}", outlets=LAYERS, execution_timeout=_LONG)
def publish(coin: str, asked: str, outlet_events: Any = None) -> dict[str, Any]:
    """Build, check and publish one coin, a week at a time. Fails if anything is quarantined."""
    from dataclasses import replace

    from warehouse.pipeline import tasks
    from warehouse.plan import Plan

    own = replace(Plan.from_json(asked), coins=(coin,))
    made = tasks.publish(own)
    describe_events(outlet_events, LAYERS, own, made)
    refuse_quarantined(made)
    return made


@dag(
    schedule=None,
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    default_args=RETRIES,
    tags=["liquidations", "backfill"],
    description="Fill a past range: collect by exchange and month, publish by coin",
    doc_md=__doc__,
)
def liquidation_backfill() -> None:
    """Wire the tasks."""
    asked: Any = plan()
    pieces: Any = months(asked)
    there: Any = coins(asked)
    collect.override(execution_timeout=_LONG, max_active_tis_per_dagrun=3).expand_kwargs(pieces) >> there
    publish.partial(asked=asked).expand(coin=there)


DAG = liquidation_backfill()
