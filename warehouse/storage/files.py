"""The reader of tables' files. Errors name the file and a remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import polars as pl
import pyarrow as pa

from expectations.contract import Table
from warehouse.errors import UserError
from warehouse.storage.layout import Key
from warehouse.storage.parquet import Footer, read_footer


def read_files(table: Table, files: Mapping[Path, Key], columns: Sequence[str] | None = None) -> list[pl.DataFrame]:
    """Read the rows of each file, partition columns included. Raises UserError naming a file that cannot be read."""
    wanted = pl.Schema({column: table.schema[column] for column in columns or table.schema})
    scans = [_scan(table, path, key, wanted.names()) for path, key in files.items()]
    try:
        frames = pl.collect_all(scans)  # reading small files one by one takes three times as long
    except pl.exceptions.PolarsError:
        frames = [_collect(path, scan) for path, scan in zip(files, scans, strict=True)]
    for path, rows in zip(files, frames, strict=True):
        for column, dtype in wanted.items():
            if rows.schema[column] != dtype:
                raise unreadable(path, TypeError(f"{column} is {rows.schema[column]}, not {dtype}"))
    return frames


def _scan(table: Table, path: Path, key: Key, columns: Sequence[str]) -> pl.LazyFrame:
    try:
        # given a path, polars opens it twice and would mix two versions of a file replaced in between
        scan = pl.scan_parquet(path.read_bytes(), hive_partitioning=False, use_statistics=False)
    except OSError as error:
        raise unreadable(path, error) from error
    return scan.select(
        pl.lit(key[c], dtype=table.schema[c]).alias(c) if c in table.partition else pl.col(c) for c in columns
    )


def _collect(path: Path, scan: pl.LazyFrame) -> pl.DataFrame:
    try:
        return scan.collect()
    except pl.exceptions.PolarsError as error:
        raise unreadable(path, error) from error


def version_of(path: Path) -> tuple[int, int]:
    """Return inode and modification time, which differ between a file and its replacement.

    Raises UserError if there is no file.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    return status.st_ino, status.st_mtime_ns


def footer_of(path: Path) -> Footer:
    """Return the provenance in a file's footer. Raises UserError for a file that cannot be read."""
    return _footer(path, version_of(path))


@lru_cache(maxsize=1 << 16)
def _footer(path: Path, version: tuple[int, int]) -> Footer:
    """Read the footer of one version of a file."""
    try:
        return read_footer(path)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from error


DAMAGED = "delete it; liq doctor then names the command that builds it again"
"""Remedy for a damaged Parquet file."""


def unreadable(path: Path, error: Exception) -> UserError:
    """Return the error that names a damaged file and its remedy."""
    if isinstance(error, FileNotFoundError):
        return UserError(f"{path} was deleted while it was read; run the same command again")
    return UserError(f"{path} cannot be read ({_first_line(error)}); {DAMAGED}")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
