"""One way to build any table: SQL or polars, the caller cannot tell which."""

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
from warehouse.catalog.statements import SQL, read


def build(name: str, inputs: Mapping[str, pl.DataFrame], **parameters: Any) -> pl.DataFrame:
    """The rows of table `name` from its input tables, conforming to its contract.

    A table with `sql/<name>.sql` is that SELECT over the inputs, in DuckDB; others are `transforms/tables/<name>.py`.
    """
    return build_group(name, inputs, **parameters)[table(name).name]


def build_group(name: str, inputs: Mapping[str, pl.DataFrame], **parameters: Any) -> dict[str, pl.DataFrame]:
    """Table `name` and those that are made with it, by name."""
    contract = table(name)
    script = statement(contract)
    if script is not None:
        return {contract.name: contract.conform(_select(script, inputs))}
    made = implementation(contract).build(**inputs, **parameters)
    return dict(made) if isinstance(made, dict) else {contract.name: made}


def statement(contract: Table) -> str | None:
    """The SELECT that makes a table, if one does."""
    return read(contract.name) if (SQL / f"{contract.name}.sql").is_file() else None


def implementation(contract: Table) -> ModuleType:
    """The module with the `build` that makes a table."""
    return importlib.import_module(f"transforms.tables.{contract.built_with or contract.name}")


def parameters_of(contract: Table) -> tuple[str, ...]:
    """The parameters that the build of a table takes besides its inputs."""
    if statement(contract) is not None:
        return ()
    taken = inspect.signature(implementation(contract).build).parameters.values()
    return tuple(p.name for p in taken if p.kind is p.KEYWORD_ONLY)


def _select(statement: str, inputs: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    with _database().cursor() as connection:
        for name, frame in inputs.items():
            # words as polars holds them: the oldest form would copy every one
            connection.register(name, frame.to_arrow(compat_level=pl.CompatLevel.newest()))
        rows: pl.DataFrame = connection.sql(statement).pl()
        return rows


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for all queries of the process, in memory and empty: what is registered is its cursor's own."""
    # one thread: sums of doubles depend on their order
    return duckdb.connect(config={"python_enable_replacements": "false", "threads": 1})
