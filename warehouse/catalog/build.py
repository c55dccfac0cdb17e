"""The DuckDB catalog: views and macros over the published files, built beside the old one and renamed over it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb

from expectations.contract import LAYERS, Table
from expectations.dictionary import comments
from expectations.tables import load, table
from warehouse.catalog import macros
from warehouse.errors import UserError
from warehouse.storage.atomic import replace_durably
from warehouse.storage.store import FILE, Store

MAPS = "liquidation_levels"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {"python_enable_replacements": "false"}


def build(root: Path) -> Path:
    """Writes `catalog.duckdb` under `root`; whoever holds the old one open goes on with it. Returns its path.

    Its views name their files in full, so it also holds the folder that they are in. Raises UserError where DuckDB
    cannot write.
    """
    if "?" in str(root):
        raise UserError(f"DuckDB cannot write in {root}: no folder may have a ? in its name; set LIQ_WAREHOUSE")
    target = root / "catalog.duckdb"
    hidden = root / f".catalog.{os.getpid()}.tmp"
    hidden.unlink(missing_ok=True)
    with duckdb.connect(config=_CONFIG) as connection:
        # v1.0.0: tools on DuckDB 1.x can open it too
        connection.execute(f"ATTACH {_text(hidden)} AS catalog (STORAGE_VERSION 'v1.0.0')")
        connection.execute("USE catalog")
        connection.begin()  # one by one, hundreds of statements would each wait for the disk
        for statement in _statements(root):
            connection.execute(statement)
        connection.commit()
        connection.execute("USE memory")
        connection.execute("DETACH catalog")
    replace_durably(hidden, target)
    return target


def _statements(root: Path) -> Iterator[str]:
    yield from (f"CREATE SCHEMA {layer}" for layer in LAYERS)
    yield f"CREATE VIEW ops.catalog_root AS SELECT {_text(root.resolve())} AS root"
    yield "COMMENT ON VIEW ops.catalog_root IS 'log: the folder that the views read'"
    for contract in load().values():
        yield f"CREATE VIEW {contract.full_name} AS {_select(root, contract)}"
        yield from comments(contract)
    yield from (*_of_coin(root), *macros.statements())


def _of_coin(root: Path) -> tuple[str, ...]:
    """What the macros find a coin's files by.

    A path and a day that are known before a statement is planned keep DuckDB from looking through the other coins'
    folders and the days before; an unknown coin is told then: a path that matches nothing would only be called that.
    """
    home = root.resolve() / "mart"
    days = _published_days(root)
    there = f"there are {', '.join(days)}" if days else "there are none yet; fill it with: liq run"
    words = f"format({_text('no coin {} in the warehouse; ' + there)}, coalesce(coin::VARCHAR, 'NULL'))"
    is_known = f"list_contains([{', '.join(map(_text, days))}]::VARCHAR[], coin::VARCHAR)"
    in_any_case = _case("lower(coin::VARCHAR)", {coin.lower(): coin for coin in days})
    known = f"CASE WHEN {is_known} THEN coin::VARCHAR ELSE coalesce({in_any_case}, error({words})::VARCHAR) END"
    folder = f"{_files(home, '')} || name || '/coin=' || ops.known(coin)"
    of_days = (("first_day", {c: d[0] for c, d in days.items()}), ("last_day", {c: d[-1] for c, d in days.items()}))
    return (
        f"CREATE MACRO ops.known(coin) AS {known}",
        f"CREATE MACRO ops.files_of(coin, name) AS {folder} || '/date=*/{FILE}'",
        f"CREATE MACRO ops.file_of(coin, name, day) AS {folder} || '/date=' || day || '/{FILE}'",
        *(f"CREATE MACRO ops.{name}(coin) AS {_case('ops.known(coin)', found)}::DATE" for name, found in of_days),
    )


def _published_days(root: Path) -> dict[str, list[str]]:
    """Of each coin, the days of the map up to the watermark. It only moves on, so none is missed later."""
    store, levels, watermark = Store(root), table(MAPS), table("watermark")
    until = str(store.read(watermark, [{}])["hour_utc"].max() or "9999")
    days: dict[str, list[str]] = {}
    for key in store.keys(levels):
        of_coin = days.setdefault(str(key["coin"]), [])
        if not of_coin or str(key["date"]) <= until:
            of_coin.append(str(key["date"]))
    return days


def _case(of: str, values: dict[str, str]) -> str:
    cases = " ".join(f"WHEN {_text(key)} THEN {_text(value)}" for key, value in values.items())
    return f"CASE {of} {cases} END" if cases else "NULL"


def _select(root: Path, contract: Table) -> str:
    home = root.resolve() / contract.layer / contract.name
    if not next(home.rglob(FILE), None):
        empty = ", ".join(f"NULL::{_type(contract, c.name)} AS {c.name}" for c in contract.columns)
        return f"SELECT {empty} WHERE false"
    # qualified: a bare name is taken for the argument of that name where a macro reads the view
    names = ", ".join(f"file.{c.name}" for c in contract.columns)
    files = _files(home, "/".join([*("*" for _ in contract.partition), FILE]))
    if not contract.partition:
        return f"SELECT {names} FROM read_parquet({files}) AS file"
    types = ", ".join(f"{c}: {_type(contract, c)}" for c in contract.partition)
    scan = f"SELECT {names} FROM read_parquet({files}, hive_partitioning = true, hive_types = {{{types}}}) AS file"
    published = f" WHERE file.hour_utc <= (SELECT max(hour_utc) FROM {_watermark(root)})"
    return scan + published if _stops(root, contract) else scan


def _stops(root: Path, contract: Table) -> bool:
    is_hourly = contract.layer == "mart" and contract.time_column == "hour_utc"
    return is_hourly and (root / "ops" / "watermark" / FILE).is_file()


def _watermark(root: Path) -> str:
    return f"read_parquet({_files(root.resolve() / 'ops' / 'watermark', FILE)})"


def _files(folder: Path, pattern: str) -> str:
    """A literal of the files in `folder` that match: whatever the folder is called, it matches itself only."""
    return _text(re.sub(r"[\[*?]", r"[\g<0>]", str(folder)) + "/" + pattern)


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _type(contract: Table, column: str) -> str:
    dtype = str(contract.schema[column])
    sql = {"String": "VARCHAR", "Float64": "DOUBLE", "Int64": "BIGINT", "Int32": "INTEGER", "Boolean": "BOOLEAN"}
    sql |= {"Date": "DATE", "Binary": "BLOB"}
    return sql.get(dtype, "TIMESTAMP" if dtype.startswith("Datetime") else dtype)


def connect(root: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the catalog, made again if the warehouse was copied or moved since.

    Raises UserError when there is none that can be used.
    """
    path = root / "catalog.duckdb"
    if not path.is_file():
        raise UserError(f"there is no catalog at {path}; make one with: liq run")
    connection = _open(path)
    if _is_of(connection, root):
        return connection
    connection.close()
    if not os.access(root, os.W_OK):
        raise UserError(
            f"{path} was made for another folder and would show the tables there; make {root} writable, so that it can "
            "be made again"
        )
    return _open(build(root))


def _is_of(connection: duckdb.DuckDBPyConnection, root: Path) -> bool:
    try:
        return connection.execute("SELECT root FROM ops.catalog_root").fetchall() == [(str(root.resolve()),)]
    except duckdb.CatalogException:  # older than that view
        return False


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=True, config=_CONFIG)
    except duckdb.Error as error:
        raise UserError(f"{path} cannot be opened ({str(error).splitlines()[0]}); rebuild it with: liq run") from error
