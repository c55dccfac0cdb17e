"""One interface to build any table, whether in SQL or in polars."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any

import duckdb
import polars as pl

from expectations.contract import Table
from expectations.tables import table
from warehouse.catalog.macros import scalar_statements
from warehouse.catalog.statements import SQL, fill, read


def build(name: str, inputs: Mapping[str, pl.DataFrame], **parameters: Any) -> pl.DataFrame:
    """Build the rows of table `name` from its input tables, conforming to its contract.

    A table with a file `sql/<name>.sql` is that SELECT over the inputs, run in DuckDB; the others are built by
    `transforms/tables/<name>.py`.
    """
    return build_group(name, inputs, **parameters)[table(name).name]


def build_group(name: str, inputs: Mapping[str, pl.DataFrame], **parameters: Any) -> dict[str, pl.DataFrame]:
    """Build table `name` and the tables built together with it, by name."""
    contract = table(name)
    script = statement(contract)
    if script is not None:
        return {contract.name: contract.conform(_select(script, inputs))}
    result = implementation(contract).build(**inputs, **parameters)
    return dict(result) if isinstance(result, dict) else {contract.name: result}


def statement(contract: Table) -> str | None:
    """Return the SELECT that builds a table, or None if Python builds it."""
    return read(contract.name) if (SQL / f"{contract.name}.sql").is_file() else None


def implementation(contract: Table) -> ModuleType:
    """Return the module with the `build` function of a table."""
    return importlib.import_module(f"transforms.tables.{contract.built_with or contract.name}")


def parameters_of(contract: Table) -> tuple[str, ...]:
    """Return the names of the parameters that a table's build takes besides its inputs."""
    if statement(contract) is not None:
        return ()
    taken = inspect.signature(implementation(contract).build).parameters.values()
    return tuple(p.name for p in taken if p.kind is p.KEYWORD_ONLY)


def _select(statement: str, inputs: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    with _database().cursor() as connection:
        for name, frame in inputs.items():
            # keep polars' string views: the default Arrow type would copy every string
            connection.register(name, frame.to_arrow(compat_level=pl.CompatLevel.newest()))
        rows: pl.DataFrame = connection.sql(statement).pl()
        return rows


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """Return the process's one database for builds. Registered frames belong to a cursor."""
    # one thread: sums of doubles depend on the order of addition
    return database(threads=1)


def database(threads: int) -> duckdb.DuckDBPyConnection:
    """Return a new in-memory database with the macros that the SELECTs of tables call."""
    connection = duckdb.connect(config={"python_enable_replacements": "false", "threads": threads})
    connection.execute(fill("catalog/schema", layer="ops"))
    for macro in scalar_statements(" ".join(path.read_text() for path in SQL.glob("*.sql"))):
        connection.execute(macro)
    return connection
