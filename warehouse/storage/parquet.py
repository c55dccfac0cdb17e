"""Parquet files of tables: encodings, compression, row groups, and the provenance in the footer."""

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
"""Readers skip row groups by their minimum and maximum; many small groups cost more than they save."""

_FOOTER = b"liquidation_warehouse"

BuiltFrom = Mapping[str, str]
"""A digest, by name, of everything that determines the rows: inputs, contract, code and parameters."""


@dataclass(frozen=True)
class Footer:
    """The provenance of a file. `content` is a digest of its rows.

    `units` has the provenance of the rows of each day in the file; the key is "" if rows have no day.
    `products` has the content digests of the tables built together with it.
    """

    content: str = ""
    units: Mapping[str, BuiltFrom] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)


class _Hashed:
    """A writable file that computes the digest of its content."""

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
        """The digest of the content written so far."""
        return self._digest.hexdigest()[:32]


def write_file(
    frame: pl.DataFrame, path: Path, units: Mapping[str, BuiltFrom], products: Mapping[str, str] | None = None
) -> str:
    """Write `frame` to a Parquet file and return the digest of its rows.

    The same rows in the same order give the same bytes and the same digest. Doubles use BYTE_STREAM_SPLIT: neighbours
    share their leading bytes, which then compress well together. All other columns use dictionaries. The Arrow schema
    is not stored: it would be a fifth of a small file.
    """
    doubles = [name for name, dtype in frame.schema.items() if dtype == pl.Float64]
    # one chunk, so that page boundaries, and hence the digest, do not depend on how the frame was concatenated
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
    """Return the provenance in a file's footer; an empty one if another program wrote the file."""
    stored = (pq.read_metadata(path).metadata or {}).get(_FOOTER)
    return Footer(**json.loads(stored)) if stored else Footer()
