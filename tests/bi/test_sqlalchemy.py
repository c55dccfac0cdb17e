"""SQLAlchemy with duckdb-engine: queries, macros and reflection."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.tables import load
from tests.bi.environment import environment, run
from tests.docs import program

REFLECT = """
import json, warnings
from sqlalchemy import MetaData, create_engine, exc, text

warnings.simplefilter("ignore")  # views have no indexes that it could miss
engine = create_engine("duckdb:///liquidation-data/catalog.duckdb", connect_args={"read_only": True})
told = {"tables": {}, "refused": False}
for schema in ("raw", "core", "model", "mart", "ops"):
    known = MetaData()
    known.reflect(engine, schema=schema, views=True)
    for name, table in known.tables.items():
        columns = {c.name: (c.type.python_type.__name__, c.comment) for c in table.columns}
        told["tables"][name] = {"comment": table.comment, "columns": columns}
try:
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE mart.mine (x INTEGER)"))
except exc.SQLAlchemyError as error:
    told["refused"] = "read-only" in str(error)
print(json.dumps(told))
"""
TYPES = {"String": "str", "Float64": "float", "Int64": "int", "Int32": "int", "Boolean": "bool", "Date": "date"}
TYPES |= {"Binary": "bytes", "Datetime(time_unit='ms', time_zone=None)": "datetime"}


@pytest.fixture(scope="module")
def python(pytestconfig: pytest.Config) -> Path:
    return environment(pytestconfig.cache, "duckdb>=2,<3", "duckdb-engine", "sqlalchemy<2.0.45")


@pytest.fixture(scope="module")
def told(python: Path, home: Path) -> dict[str, Any]:
    return dict(json.loads(run(python, REFLECT, home)))


def test_documented_program_equals_duckdb(python: Path, home: Path, ask: duckdb.DuckDBPyConnection) -> None:
    lines = run(python, program("create_engine"), home).splitlines()
    row = ask.sql("FROM imbalance('BTC') WHERE distance_bp = 500").pl().row(0, named=True)
    assert lines[0] == f"{row['hour_utc']} {row['long_usd']} {row['short_usd']}"
    assert "long_usd FLOAT Long notional within `distance_bp` below the mark (usd)" in lines
    assert "hour_utc TIMESTAMP" in " ".join(lines)


@pytest.mark.parametrize("contract", load().values(), ids=lambda t: t.full_name)
def test_reflection_finds_tables_columns_and_comments(told: dict[str, Any], contract: Any) -> None:
    found = told["tables"][contract.full_name]
    assert found["comment"] == f"{contract.kind}: {contract.doc}"
    assert list(found["columns"]) == [c.name for c in contract.columns]
    for column in contract.columns:
        kind, comment = found["columns"][column.name]
        assert kind == TYPES[str(column.dtype)]
        assert comment.startswith(column.doc)


def test_connection_is_read_only(told: dict[str, Any]) -> None:
    assert told["refused"]
