"""The DuckDB catalog: views and macros over the published files, built as a new file and renamed over the old one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb

from expectations.contract import LAYERS, Table
from expectations.dictionary import column_comments, comment
from expectations.tables import load, table
from warehouse.catalog import macros
from warehouse.catalog.statements import fill, identifier, text
from warehouse.errors import UserError
from warehouse.storage.atomic import replace_durably
from warehouse.storage.layout import FILE
from warehouse.storage.store import Store

MAPS = "liquidation_levels"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {"python_enable_replacements": "false"}


def build(root: Path) -> Path:
    """Write `catalog.duckdb` under `root` and return its path; open connections keep the old file.

    Its views have absolute paths, so the catalog also records its folder. Raises UserError if DuckDB cannot write.
    """
    if "?" in str(root):
        raise UserError(
            f"DuckDB cannot write in {root}: a folder name contains a ?; set LIQ_WAREHOUSE to another folder"
        )
    target = root / "catalog.duckdb"
    hidden = root / f".catalog.{os.getpid()}.tmp"
    hidden.unlink(missing_ok=True)
    with duckdb.connect(config=_CONFIG) as connection:
        connection.execute(fill("catalog/attach", file=text(hidden)))
        connection.begin()  # one transaction: hundreds of statements would otherwise each wait for the disk
        for statement in _statements(root):
            connection.execute(statement)
        connection.commit()
        connection.execute(fill("catalog/detach"))
    replace_durably(hidden, target)
    return target


def _statements(root: Path) -> Iterator[str]:
    yield from (fill("catalog/schema", layer=layer) for layer in LAYERS)
    yield fill("catalog/root", root=text(root.resolve()))
    for contract in load().values():
        yield _view(root, contract)
        yield from _comments(contract)
        if contract.former_name:
            yield fill("catalog/former_name", former=contract.former_name, table=contract.full_name)
    yield from (_coins(root), *macros.statements())


def _comments(contract: Table) -> Iterator[str]:
    named = f"{identifier(contract.layer)}.{identifier(contract.name)}"
    yield fill("catalog/view_comment", table=named, words=text(comment(contract)))
    for column, words in column_comments(contract).items():
        yield fill("catalog/column_comment", table=named, column=identifier(column), words=text(words))


def _coins(root: Path) -> str:
    """Return the statements of the macros that find a coin's files."""
    days = _published_days(root)
    known = f"there are {', '.join(days)}" if days else "there are none yet; load some with: liq run"
    return fill(
        "catalog/coins",
        coins=", ".join(map(text, days)),
        coin_in_any_case=_case("lower(coin::VARCHAR)", {coin.lower(): coin for coin in days}),
        no_coin=text("no coin {} in the warehouse; " + known),
        root=_files(root.resolve(), ""),
        first_day=_case("ops.known(coin)", {coin: of_coin[0] for coin, of_coin in days.items()}),
        last_day=_case("ops.known(coin)", {coin: of_coin[-1] for coin, of_coin in days.items()}),
    )


def _published_days(root: Path) -> dict[str, list[str]]:
    """Return the days of the map by coin up to the watermark, which never moves back; else the coin's first day."""
    store, levels, watermark = Store(root), table(MAPS), table("watermark")
    until = str(store.read(watermark, [{}])["hour_utc"].max() or "9999")
    days: dict[str, list[str]] = {}
    for key in store.keys(levels):
        of_coin = days.setdefault(str(key["coin"]), [])
        if not of_coin or str(key["date"]) <= until:
            of_coin.append(str(key["date"]))
    return days


def _case(expression: str, values: dict[str, str]) -> str:
    cases = " ".join(f"WHEN {text(key)} THEN {text(value)}" for key, value in values.items())
    return f"CASE {expression} {cases} END" if cases else "NULL"


def _view(root: Path, contract: Table) -> str:
    home = root.resolve() / contract.layer / contract.name
    if not next(home.rglob(FILE), None):
        nulls = ", ".join(f"NULL::{_type(contract, c.name)} AS {c.name}" for c in contract.columns)
        return fill("catalog/empty_table", table=contract.full_name, typed_nulls=nulls)
    hourly = contract.partition and _ends_at_watermark(root, contract)
    return fill(
        "catalog/" + ("published_partitions" if hourly else "partitions" if contract.partition else "one_file"),
        table=contract.full_name,
        # qualified: in a view that a macro reads, DuckDB 2.0.1 resolves a bare name to the macro's argument
        columns=", ".join(f"file.{c.name}" for c in contract.columns),
        files=_files(home, "/".join([*("*" for _ in contract.partition), FILE])),
        types=", ".join(f"{c}: {_type(contract, c)}" for c in contract.partition),
        watermark=_files(root.resolve() / "ops" / "watermark", FILE),
    )


def _ends_at_watermark(root: Path, contract: Table) -> bool:
    is_hourly = contract.layer in ("model", "mart") and contract.time_column == "hour_utc"
    return is_hourly and (root / "ops" / "watermark" / FILE).is_file()


def _files(folder: Path, pattern: str) -> str:
    """Return a SQL literal of the files in `folder` that match `pattern`; glob characters in `folder` are escaped."""
    return text(re.sub(r"[\[*?]", r"[\g<0>]", str(folder)) + "/" + pattern)


def _type(contract: Table, column: str) -> str:
    dtype = str(contract.schema[column])
    sql = {"String": "VARCHAR", "Float64": "DOUBLE", "Int64": "BIGINT", "Int32": "INTEGER", "Boolean": "BOOLEAN"}
    sql |= {"Date": "DATE", "Binary": "BLOB"}
    return sql.get(dtype, "TIMESTAMP" if dtype.startswith("Datetime") else dtype)


def connect(root: Path) -> duckdb.DuckDBPyConnection:
    """Open a read-only connection to the catalog, rebuilt if the warehouse was copied or moved since.

    Raises UserError if there is no usable catalog.
    """
    path = root / "catalog.duckdb"
    if not path.is_file():
        raise UserError(f"there is no catalog at {path}; create one with: liq run")
    connection = _open(path)
    if _is_of(connection, root):
        return connection
    connection.close()
    if not os.access(root, os.W_OK):
        raise UserError(
            f"{path} was built for another folder and would show the tables there; make {root} writable, so that the "
            "catalog can be rebuilt"
        )
    return _open(build(root))


def _is_of(connection: duckdb.DuckDBPyConnection, root: Path) -> bool:
    try:
        return connection.execute(fill("catalog/its_root")).fetchall() == [(str(root.resolve()),)]
    except duckdb.CatalogException:  # a catalog older than that view
        return False


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=True, config=_CONFIG)
    except duckdb.Error as error:
        raise UserError(f"{path} cannot be opened ({str(error).splitlines()[0]}); rebuild it with: liq run") from error
