"""A warehouse at the path of the documented programs: two coins, one hour on each side of midnight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from expectations.tables import table
from tests.warehouse.conftest import HOURS, balance, fill, levels
from warehouse.catalog import build as catalog
from warehouse.storage.store import open_store


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that contains `liquidation-data`."""
    made = tmp_path_factory.mktemp("home")
    store = open_store(made / "liquidation-data", "simulated", create=True)
    fill(store)
    of_hours = [levels(hour).with_columns(coin=pl.lit("ETH")) for hour in HOURS]
    balances = [balance(each).with_columns(coin=pl.lit("ETH")) for each in of_hours]
    store.write_partitions(table("liquidation_levels"), pl.concat(of_hours))
    store.write_partitions(table("market_balance"), pl.concat(balances))
    catalog.build(store.root)
    return made


@pytest.fixture
def ask(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield the connection that clients are compared with."""
    with catalog.connect(home / "liquidation-data") as connection:
        yield connection
