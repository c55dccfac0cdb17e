"""Questions that the headline and the map ask of the catalog: statements of `sql/queries/snapshot`."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from expectations.columns.kinds import EXCHANGES
from transforms.charts.snapshot import Snapshot
from warehouse.catalog.statements import fill
from warehouse.clock import floor_hour
from warehouse.errors import UserError


def published_coins(catalog: duckdb.DuckDBPyConnection) -> list[str]:
    """The coins that are published, in order."""
    return [str(coin) for coin in ask(catalog, "snapshot/coins")["coin"]]


def query(catalog: duckdb.DuckDBPyConnection, sql: str, **values: Any) -> pl.DataFrame:
    """The rows of one statement. Raises UserError with DuckDB's first line, and the way out where it is known."""
    used = {name: value for name, value in values.items() if f"${name}" in sql}
    try:
        relation = catalog.sql(sql, params=used or None)
        rows: pl.DataFrame = pl.DataFrame() if relation is None else relation.pl()
    except duckdb.Error as error:
        raise UserError(explain(error)) from error
    return rows


def ask(catalog: duckdb.DuckDBPyConnection, name: str, /, **values: Any) -> pl.DataFrame:
    """The rows of a statement of `sql/queries`, by its path there. Raises as `query` does.

    values: of its parameters, and SQL for its places.
    """
    return query(catalog, fill(name, **values), **values)


def explain(error: duckdb.Error) -> str:
    """Return in one line what DuckDB says and suggests, and what to do where that is known."""
    about = str(error).strip().split("\n\n", 1)[0]  # the statement follows
    said, *suggested = about.removeprefix("Invalid Input Error: ").split("\n")  # the kind by which a macro refuses
    line = " ".join([said.replace("!", ".") if suggested else said, *" ".join(suggested).split()])
    damaged = re.search(r"['\"]([^'\"]+\.parquet)['\"]", line)
    if damaged:
        return f"{said}; delete {Path(damaged[1]).name} there and run its hours again: liq run --help"
    if isinstance(error, duckdb.CatalogException):
        return f"{line.rstrip('.!')}{' S' if line.endswith('?') else '; s'}ee what there is with: liq tables"
    return line


def snapshot(catalog: duckdb.DuckDBPyConnection, coin: str, as_of: datetime | None = None) -> Snapshot:
    """What the tables say of `coin` in the hour of `as_of`, or in the last that is published.

    Raises UserError for a coin or an hour that is not in the warehouse, naming those that are.
    """
    hour = _hour(catalog, coin, as_of)
    values = {"coin": coin, "date": hour.date(), "hour": hour, "exchanges": list(EXCHANGES)}
    source, version = ask(catalog, "snapshot/attributes", **values).row(0)
    return Snapshot(
        coin=coin,
        hour=hour,
        source=str(source),
        parameters_version=str(version),
        levels=ask(catalog, "snapshot/levels", **values),
        exchange_rows=ask(catalog, "snapshot/exchanges", **values),
        balance=ask(catalog, "snapshot/rows_of_hour", table="mart.market_balance", **values),
        clusters=ask(catalog, "snapshot/rows_of_hour", table="mart.liquidation_clusters", **values),
        missing=ask(catalog, "snapshot/missing", **values),
        ranges=ask(catalog, "snapshot/ranges", **values),
    )


def by_leverage(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> Snapshot:
    """The same published hour, its levels by leverage class too."""
    rows = ask(catalog, "snapshot/levels_by_leverage", coin=market.coin, date=market.hour.date(), hour=market.hour)
    return replace(market, levels=rows)


def _hour(catalog: duckdb.DuckDBPyConnection, coin: str, as_of: datetime | None) -> datetime:
    first, last = ask(catalog, "snapshot/hours", coin=coin).row(0)
    if last is None:
        coins = published_coins(catalog)
        known = f"there are {', '.join(coins)}" if coins else "there are none yet; fill it with: liq run"
        raise UserError(f"no coin {coin!r} in the warehouse; {known}")
    if as_of is None:
        return datetime.fromisoformat(str(last))
    hour = floor_hour(as_of)
    if not ask(catalog, "snapshot/has_hour", coin=coin, date=hour.date(), hour=hour)["n"].item():
        raise UserError(
            f"no map of {coin} at {hour:%Y-%m-%dT%H:%MZ}; there are hours from {first:%Y-%m-%dT%H:%MZ} to "
            f"{last:%Y-%m-%dT%H:%MZ}; fill that one with: liq run --hour {hour:%Y-%m-%dT%H:%MZ}"
        )
    return hour


def state(
    catalog: duckdb.DuckDBPyConnection, coin: str, as_of: datetime | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The estimator's state of `coin` in the hour of `as_of`, or the last that is published, and all parameters.

    Raises UserError where it is not kept, naming the nearest that is.
    """
    kept = ask(catalog, "snapshot/hours_of_state", coin=coin)["hour_utc"].to_list()
    hour = floor_hour(as_of) if as_of else max(kept, default=None) or _hour(catalog, coin, None)
    if hour not in kept:
        _hour(catalog, coin, as_of)  # without a map, that is what to say
        nearest = min(kept, key=lambda each: (abs(each - hour), each), default=None)
        way = f"try --as-of {nearest:%Y-%m-%dT%H:%MZ}" if nearest else "fill it with: liq run"
        raise UserError(
            f"no state of {coin} at {hour:%Y-%m-%dT%H:%MZ}; it is kept for the last hour of each date, for as long as "
            f"old state is: {way}"
        )
    values = {"table": "model.state_positions", "coin": coin, "date": hour.date(), "hour": hour}
    standing = ask(catalog, "snapshot/rows_of_hour", **values)
    return standing, ask(catalog, "snapshot/parameters")


def of_exchange(market: Snapshot, exchange: str) -> Snapshot:
    """One exchange of it. Raises UserError naming the exchanges that it has."""
    if exchange not in market.exchanges:
        raise UserError(
            f"no exchange {exchange!r} in the map of {market.coin} at {market.hour:%Y-%m-%dT%H:%MZ}; "
            f"there are {', '.join(market.exchanges)}"
        )
    return market.only(exchange)
