"""The reader of Parquet and CSV files: the requested columns with raw values, each row with its number."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from transforms.imports.cells import ROW
from transforms.imports.layout import Layout, Refused
from warehouse.errors import UserError

_PARQUET, _CSV = (".parquet", ".pq"), (".csv", ".csv.gz", ".csv.zst")


def read_file(path: Path, layout: Layout) -> pl.DataFrame:
    """Read the columns of `layout`, unconverted: the cells of a CSV stay text.

    Raises UserError for a file that cannot be read, Refused for a missing column or a file without rows.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}")
    try:
        scanned = _scan(path)
        names = scanned.collect_schema().names()
        wanted = list(dict.fromkeys(layout.found(names).values()))
        frame = scanned.select(wanted).with_row_index(ROW, offset=1).collect()
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {str(error).strip().splitlines()[0]}") from error
    if frame.is_empty():
        raise Refused("it has no rows")
    return frame


def _scan(path: Path) -> pl.LazyFrame:
    name = path.name.lower()
    if name.endswith(_PARQUET):
        return pl.scan_parquet(path, hive_partitioning=False)
    if name.endswith(_CSV):
        return pl.scan_csv(path, infer_schema=False)
    raise UserError(f"{path} is neither Parquet nor CSV by its name; there are {', '.join(_PARQUET + _CSV)}")
