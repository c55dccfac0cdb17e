"""How a table's file is written: encodings, compression and groups of rows, chosen by measurement."""

from __future__ import annotations

from pathlib import Path

import polars as pl

_ROWS_OF_A_GROUP = 1 << 16
"""A reader passes over groups by the least and most of a column; many small groups cost more than they spare."""


def write_file(frame: pl.DataFrame, path: Path) -> None:
    """Writes `frame` to a Parquet file: the same rows in the same order are the same bytes.

    Doubles are split byte by byte: neighbours share the first ones, and what is alike then lies together. All else is
    numbers into a dictionary. The schema is not told a second time: of a small file that would be a fifth.
    """
    doubles = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    # one chunk: where a file's pages end would otherwise tell how its rows came together
    frame.rechunk().write_parquet(
        path,
        compression="zstd",
        compression_level=3,
        row_group_size=_ROWS_OF_A_GROUP,
        use_pyarrow=True,
        pyarrow_options={
            "column_encoding": dict.fromkeys(doubles, "BYTE_STREAM_SPLIT"),
            "use_dictionary": [name for name in frame.columns if name not in doubles],
            "store_schema": False,
        },
    )
