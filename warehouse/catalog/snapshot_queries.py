"""Queries for the headline and the map, from `sql/queries/snapshot`."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from expectations.columns.kinds import EXCHANGES
from transforms.charts.snapshot import Snapshot
from warehouse.catalog.statements import fill
from warehouse.clock import floor_hour
from warehouse.errors import UserError
from warehouse.storage.files import DAMAGED


def published_coins(catalog: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the published coins in alphabetical order."""
    return [str(coin) for coin in ask(catalog, "snapshot/coins")["coin"]]


def query(catalog: duckdb.DuckDBPyConnection, sql: str, **values: Any) -> pl.DataFrame:
    """Return the rows of one statement. Raises UserError with DuckDB's first line, and a remedy if one is known."""
    used = {name: value for name, value in values.items() if f"${name}" in sql}
    try:
        relation = catalog.sql(sql, params=used or None)
        rows: pl.DataFrame = pl.DataFrame() if relation is None else relation.pl()
    except duckdb.Error as error:
        raise UserError(explain(error)) from error
    return rows


def ask(catalog: duckdb.DuckDBPyConnection, name: str, /, **values: Any) -> pl.DataFrame:
    """Return the rows of a statement of `sql/queries`, given by its path there. Raises UserError as `query` does.

    values: parameters of the statement, and SQL for its placeholders.
    """
    return query(catalog, fill(name, **values), **values)


def price_level(price: float) -> float:
    """Return the price as a float, USD. Raises UserError unless it is positive and finite."""
    try:
        level = float(price)
    except (TypeError, ValueError):
        level = math.nan
    if not (math.isfinite(level) and level > 0):
        raise UserError(f"{price if math.isnan(level) else f'{level:g}'} is not a price; write e.g. 95000")
    return level


def explain(error: duckdb.Error) -> str:
    """Return one line: DuckDB's message with its suggestions, and a remedy if one is known."""
    text = str(error).strip().split("\n\n", 1)[0]  # the statement follows
    message, *hints = text.removeprefix("Invalid Input Error: ").split("\n")  # the prefix of errors that macros raise
    line = " ".join([message.replace("!", ".") if hints else message, *" ".join(hints).split()])
    damaged = re.search(r"['\"]([^'\"]+\.parquet)['\"]", line)
    if damaged:
        return f"{message}; {DAMAGED}"
    if isinstance(error, duckdb.CatalogException):
        return f"{line.rstrip('.!')}{' S' if line.endswith('?') else '; s'}ee the tables with: liq tables"
    return line


def snapshot(catalog: duckdb.DuckDBPyConnection, coin: str, as_of: datetime | None = None) -> Snapshot:
    """Return the tables' rows of `coin` at the hour of `as_of`, or at the latest published hour.

    Raises UserError for a coin or an hour that is not in the warehouse, with the available ones.
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
        clusters=ask(catalog, "snapshot/clusters", **values),
        missing=ask(catalog, "snapshot/missing", **values),
        ranges=ask(catalog, "snapshot/ranges", **values),
    )


def by_leverage(catalog: duckdb.DuckDBPyConnection, market: Snapshot) -> Snapshot:
    """Return the same published hour with its levels split by leverage class."""
    rows = ask(catalog, "snapshot/levels_by_leverage", coin=market.coin, date=market.hour.date(), hour=market.hour)
    return replace(market, levels=rows)


def _hour(catalog: duckdb.DuckDBPyConnection, coin: str, as_of: datetime | None) -> datetime:
    first, last = ask(catalog, "snapshot/hours", coin=coin).row(0)
    if last is None:
        coins = published_coins(catalog)
        known = f"there are {', '.join(coins)}" if coins else "there are none yet; load some with: liq run"
        raise UserError(f"no coin {coin!r} in the warehouse; {known}")
    if as_of is None:
        return datetime.fromisoformat(str(last))
    hour = floor_hour(as_of)
    if not ask(catalog, "snapshot/has_hour", coin=coin, date=hour.date(), hour=hour)["n"].item():
        raise UserError(
            f"no map of {coin} at {hour:%Y-%m-%dT%H:%MZ}; there are hours from {first:%Y-%m-%dT%H:%MZ} to "
            f"{last:%Y-%m-%dT%H:%MZ}; load that hour with: liq run --hour {hour:%Y-%m-%dT%H:%MZ}"
        )
    return hour


def state(
    catalog: duckdb.DuckDBPyConnection, coin: str, as_of: datetime | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the estimator's state of `coin` at the hour of `as_of` (default: the latest), and all parameters.

    Raises UserError if the state of that hour is not kept, with the nearest kept hour.
    """
    kept = ask(catalog, "snapshot/hours_of_state", coin=coin)["hour_utc"].to_list()
    hour = floor_hour(as_of) if as_of else max(kept, default=None) or _hour(catalog, coin, None)
    if hour not in kept:
        _hour(catalog, coin, as_of)  # if there is no map either, report that instead
        nearest = min(kept, key=lambda each: (abs(each - hour), each), default=None)
        remedy = f"try --as-of {nearest:%Y-%m-%dT%H:%MZ}" if nearest else "load some with: liq run"
        raise UserError(
            f"no state of {coin} at {hour:%Y-%m-%dT%H:%MZ}; only the last hour of each recent day and of each first "
            f"of a month is kept: {remedy}"
        )
    values = {"table": "model.state_positions", "coin": coin, "date": hour.date(), "hour": hour}
    positions = ask(catalog, "snapshot/rows_of_hour", **values)
    return positions, ask(catalog, "snapshot/parameters")


def of_exchange(market: Snapshot, exchange: str) -> Snapshot:
    """Return the map of one exchange. Raises UserError for an unknown exchange, with the map's exchanges."""
    if exchange not in market.exchanges:
        raise UserError(
            f"no exchange {exchange!r} in the map of {market.coin} at {market.hour:%Y-%m-%dT%H:%MZ}; "
            f"there are {', '.join(market.exchanges)}"
        )
    return market.only(exchange)
