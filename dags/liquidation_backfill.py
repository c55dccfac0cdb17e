"""Fill a past range, when triggered: collect by exchange and month, then the core tables, then the maps by coin.

Started by hand with its parameters; for a few hours `airflow backfill create` on `liquidation_hourly` does as well.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Asset, Param, dag, task
from airflow.sdk.exceptions import AirflowFailException

from dags.retries import RETRIES

CORE, MART = (Asset(name=layer, uri=f"liquidation-warehouse://{layer}") for layer in ("core", "mart"))
_LONG = timedelta(days=2)
PARAMS = {
    "from": Param(type="string", format="date-time", description="First hour, e.g. 2025-12-01T00:00:00Z"),
    "to": Param(type="string", format="date-time", description="Last hour, itself included"),
    "coins": Param(default="", type="string", description="As BTC,ETH; empty: those of the settings"),
    "rebuild": Param(default=False, type="boolean", description="Make all of the range again"),
    "exchanges": Param(default="", type="string", description="As binance,okx; empty: those of the settings"),
}


@task
def plan(params: Any = None) -> str:
    """Fix what is asked for."""
    from dags.plan import of_range

    return of_range(params).to_json()


@task
def months(asked: str) -> list[dict[str, str]]:
    """A piece for each exchange and month."""
    from warehouse.plan import Plan

    whole = Plan.from_json(asked)
    return [{"hours": month.to_json(), "exchange": name} for month in whole.months() for name in whole.exchanges]


@task(map_index_template="{{ task.op_kwargs['exchange'] }}", max_active_tis_per_dagrun=3)
def collect(hours: str, exchange: str) -> dict[str, Any]:
    """Ask one exchange for a month; two tasks of one exchange wait for each other."""
    from warehouse import run
    from warehouse.plan import Plan

    return run.collect(Plan.from_json(hours), exchange)


@task(outlets=[CORE], execution_timeout=_LONG)
def core(asked: str, params: Any = None) -> list[str]:
    """The core tables of all the hours. Returns the coins that there are."""
    from warehouse import backfill
    from warehouse.plan import Plan

    made = backfill.core(Plan.from_json(asked), again=params["rebuild"])
    _judge(made)
    coins: list[str] = made["coins"]
    return coins


@task(map_index_template="{{ task.op_kwargs['coin'] }}", outlets=[MART], execution_timeout=_LONG)
def maps(coin: str, asked: str) -> dict[str, Any]:
    """The maps of one coin, over all the hours in one go."""
    from warehouse import backfill
    from warehouse.plan import Plan

    made = backfill.maps(Plan.from_json(asked), coin)
    _judge(made)
    return made


def _judge(made: dict[str, Any]) -> None:
    """Red if anything is quarantined; what passed is published by then."""
    if made["quarantined"]:
        raise AirflowFailException("quarantined: " + "; ".join(" ".join(each) for each in made["quarantined"]))


@dag(
    schedule=None,
    start_date=datetime(2020, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    default_args=RETRIES,
    doc_md=__doc__,
)
def liquidation_backfill() -> None:
    """Wire the tasks."""
    asked: Any = plan()
    pieces: Any = months(asked)
    coins: Any = core(asked)
    collect.override(execution_timeout=_LONG).expand_kwargs(pieces) >> coins
    maps.partial(asked=asked).expand(coin=coins)


DAG = liquidation_backfill()
