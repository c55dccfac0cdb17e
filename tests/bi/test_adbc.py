"""ADBC: Arrow tables from the catalog, with the driver of DuckDB's package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import adbc_driver_duckdb
import duckdb
import polars as pl
import pytest
from adbc_driver_manager import Error, dbapi

from tests.docs import program


@pytest.fixture
def connection(home: Path) -> Iterator[dbapi.Connection]:
    catalog = {"path": str(home / "liquidation-data" / "catalog.duckdb"), "access_mode": "READ_ONLY"}
    driver = adbc_driver_duckdb.driver_path()
    with dbapi.connect(driver=driver, entrypoint="duckdb_adbc_init", db_kwargs=catalog) as connected:
        yield connected


def test_documented_program_runs(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home)
    exec(program("dbapi"), {})
    assert "cumulative_long_usd: double" in capsys.readouterr().out


@pytest.mark.parametrize("question", ["FROM liquidation_map('BTC', span := 0.02)", "FROM mart.market_balance"])
def test_result_equals_duckdb(connection: dbapi.Connection, ask: duckdb.DuckDBPyConnection, question: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(question)
        answer = pl.DataFrame(pl.from_arrow(cursor.fetch_arrow_table()))
    assert answer.height > 0
    assert answer.equals(ask.sql(question).pl())


def test_parameter_is_bound(connection: dbapi.Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM mart.market_balance WHERE coin = ?", ["ETH"])
        assert cursor.fetchone() == (8,)


def test_tables_are_listed(connection: dbapi.Connection) -> None:
    (catalog,) = (c for c in connection.adbc_get_objects(depth="tables").read_all().to_pylist()
                  if c["catalog_name"] == "catalog")  # fmt: skip
    mart = {s["db_schema_name"]: s["db_schema_tables"] for s in catalog["catalog_db_schemas"]}["mart"]
    assert "liquidation_levels" in {t["table_name"] for t in mart}


def test_connection_is_read_only(connection: dbapi.Connection) -> None:
    with connection.cursor() as cursor, pytest.raises(Error, match="read-only"):
        cursor.execute("CREATE TABLE mart.mine (x INTEGER)")
