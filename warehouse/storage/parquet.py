"""How a table's file is written: encodings, compression, groups of rows, and the provenance in its footer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

_ROWS_OF_A_GROUP = 1 << 16
"""A reader passes over groups by the least and most of a column; many small groups cost more than they spare."""

_FOOTER = b"liquidation_warehouse"

BuiltFrom = Mapping[str, str]
"""By name, a digest of each thing that rows are a function of: inputs, contract, code, parameters."""


@dataclass(frozen=True)
class Footer:
    """The provenance of a file. `content` is a digest of its rows.

    `units` has, for each day that was built into the file ("" where rows have no day), what its rows were built from.
    `products` has the content of the tables that were built together with it.
    """

    content: str = ""
    units: Mapping[str, BuiltFrom] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)


class _Hashed:
    """A file that is written and digested at once."""

    def __init__(self, path: Path) -> None:
        self._file, self._digest, self.closed = path.open("wb"), sha256(), False

    def write(self, data: Any) -> int:
        self._digest.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True
        self._file.close()

    @property
    def content(self) -> str:
        """The digest of what is written so far."""
        return self._digest.hexdigest()[:32]


def write_file(
    frame: pl.DataFrame, path: Path, units: Mapping[str, BuiltFrom], products: Mapping[str, str] | None = None
) -> str:
    """Write `frame` to a Parquet file and return the digest of its rows.

    The same rows in the same order are the same bytes and have the same digest. Doubles are split byte by byte:
    neighbours share the first ones, and what is alike then lies together. All else is numbers into a dictionary. The
    Arrow schema is not stored beside the Parquet one: of a small file that would be a fifth.
    """
    doubles = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    # one chunk: where a file's pages end would otherwise tell how its rows came together
    rows = frame.rechunk().to_arrow()
    sink = _Hashed(path)
    with pq.ParquetWriter(
        pa.PythonFile(sink, mode="w"),
        rows.schema,
        compression="zstd",
        compression_level=3,
        column_encoding=dict.fromkeys(doubles, "BYTE_STREAM_SPLIT"),
        use_dictionary=[name for name in frame.columns if name not in doubles],
        store_schema=False,
    ) as writer:
        writer.write_table(rows, row_group_size=_ROWS_OF_A_GROUP)
        content = sink.content
        footer = Footer(content, units, products or {})
        writer.add_key_value_metadata({_FOOTER: json.dumps(asdict(footer), sort_keys=True)})
    sink.close()
    return content


def read_footer(path: Path) -> Footer:
    """Return the provenance in a file's footer; an empty one for a file that this warehouse did not write."""
    stored = (pq.read_metadata(path).metadata or {}).get(_FOOTER)
    return Footer(**json.loads(stored)) if stored else Footer()
