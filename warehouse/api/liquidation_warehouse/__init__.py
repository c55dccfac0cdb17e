"""Published hours of a warehouse as polars frames, for a notebook.

    import liquidation_warehouse as lw

    with lw.open_warehouse() as warehouse:
        warehouse.at_risk("BTC", 95000)
        warehouse.liquidation_map("BTC", span=0.02)
        warehouse.level_history("BTC", 95000, since="2026-01-05")
        warehouse.headline("BTC", prices=[95000])
        warehouse.sql("FROM mart.market_balance WHERE coin = $coin", coin="BTC")

An open warehouse sees each new hour and never blocks a run. Errors are `UserError`; they name the missing item and list
the available ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import polars as pl

from transforms.charts import headline
from warehouse.catalog.build import connect
from warehouse.catalog.snapshot_queries import ask, price_level, query, snapshot
from warehouse.errors import UserError
from warehouse.settings import load
from warehouse.storage.store import open_store

__all__ = ["UserError", "Warehouse", "open_warehouse"]

Moment = str | datetime


class Warehouse:
    """A warehouse open for reading; its macros are methods with the same arguments as in SQL.

    A moment is a string or a datetime, in UTC or with a time zone. `connection` is the DuckDB connection.
    """

    def __init__(self, root: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.root = root
        self.connection = connection

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def sql(self, statement: str, **parameters: Any) -> pl.DataFrame:
        """Return the rows of one statement; `$name` in it is replaced by the parameter of that name."""
        return query(self.connection, statement, **parameters)

    def at_risk(
        self, coin: str, price: float, as_of: Moment | None = None, span: float = 0, exchange: str | None = None
    ) -> pl.DataFrame:
        """Return the notional liquidated if the mark moves to `price`, by exchange, side and leverage."""
        return self._macro("at_risk", coin=coin, price=price, as_of=as_of, span=span, exchange=exchange)

    def liquidation_map(
        self, coin: str, as_of: Moment | None = None, span: float = 0.05, exchange: str | None = None
    ) -> pl.DataFrame:
        """Return the map as rows by price bucket and exchange, with the cumulative curves."""
        return self._macro("liquidation_map", coin=coin, as_of=as_of, span=span, exchange=exchange)

    def level_history(
        self, coin: str, price: float, exchange: str | None = None, since: Moment | None = None
    ) -> pl.DataFrame:
        """Return one price level through time, one row per hour."""
        return self._macro("level_history", coin=coin, price=price, exchange=exchange, since=since).sort("hour_utc")

    def headline(self, coin: str, as_of: Moment | None = None, prices: float | Iterable[float] = ()) -> pl.DataFrame:
        """Return the sentences of `liq headline`, one per row, in the column `sentence`."""
        levels = [price_level(price) for price in (prices if isinstance(prices, Iterable) else [prices])]
        moment = None if as_of is None else ask(self.connection, "api/moment", as_of=as_of).item()
        return pl.DataFrame({"sentence": headline.write(snapshot(self.connection, coin.upper(), moment), levels)})

    def _macro(self, name: str, **arguments: Any) -> pl.DataFrame:
        named = ", ".join(f"{argument} := ${argument}" for argument in arguments)
        return ask(self.connection, "api/macro", name=name, arguments=named, **arguments)


def open_warehouse(folder: str | PathLike[str] | None = None) -> Warehouse:
    """Open the warehouse in `folder`; default: the folder of the settings, else `./liquidation-data`.

    Raises UserError if there is no readable warehouse.
    """
    settings = load(warehouse=folder)
    open_store(settings.root, settings.source, create=False)
    return Warehouse(settings.root, connect(settings.root))
