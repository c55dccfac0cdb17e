"""The DuckDB catalog: views and macros over the published files, built beside the old one and renamed over it."""

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
        connection.execute(fill("catalog/attach", file=text(hidden)))
        connection.begin()  # one by one, hundreds of statements would each wait for the disk
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
    """The macros that find a coin's files."""
    days = _published_days(root)
    there = f"there are {', '.join(days)}" if days else "there are none yet; fill it with: liq run"
    return fill(
        "catalog/coins",
        coins=", ".join(map(text, days)),
        coin_in_any_case=_case("lower(coin::VARCHAR)", {coin.lower(): coin for coin in days}),
        no_coin=text("no coin {} in the warehouse; " + there),
        root=_files(root.resolve(), ""),
        first_day=_case("ops.known(coin)", {coin: of_coin[0] for coin, of_coin in days.items()}),
        last_day=_case("ops.known(coin)", {coin: of_coin[-1] for coin, of_coin in days.items()}),
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
    cases = " ".join(f"WHEN {text(key)} THEN {text(value)}" for key, value in values.items())
    return f"CASE {of} {cases} END" if cases else "NULL"


def _view(root: Path, contract: Table) -> str:
    home = root.resolve() / contract.layer / contract.name
    if not next(home.rglob(FILE), None):
        nulls = ", ".join(f"NULL::{_type(contract, c.name)} AS {c.name}" for c in contract.columns)
        return fill("catalog/empty_table", table=contract.full_name, typed_nulls=nulls)
    hourly = contract.partition and _stops(root, contract)
    return fill(
        "catalog/" + ("published_partitions" if hourly else "partitions" if contract.partition else "one_file"),
        table=contract.full_name,
        # qualified: DuckDB 2.0.1 takes a bare name for the argument of that name where a macro reads the view
        columns=", ".join(f"file.{c.name}" for c in contract.columns),
        files=_files(home, "/".join([*("*" for _ in contract.partition), FILE])),
        types=", ".join(f"{c}: {_type(contract, c)}" for c in contract.partition),
        watermark=_files(root.resolve() / "ops" / "watermark", FILE),
    )


def _stops(root: Path, contract: Table) -> bool:
    is_hourly = contract.layer in ("model", "mart") and contract.time_column == "hour_utc"
    return is_hourly and (root / "ops" / "watermark" / FILE).is_file()


def _files(folder: Path, pattern: str) -> str:
    """A literal of the files in `folder` that match: whatever the folder is called, it matches itself only."""
    return text(re.sub(r"[\[*?]", r"[\g<0>]", str(folder)) + "/" + pattern)


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
        return connection.execute(fill("catalog/its_root")).fetchall() == [(str(root.resolve()),)]
    except duckdb.CatalogException:  # older than that view
        return False


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=True, config=_CONFIG)
    except duckdb.Error as error:
        raise UserError(f"{path} cannot be opened ({str(error).splitlines()[0]}); rebuild it with: liq run") from error
