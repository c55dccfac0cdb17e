"""Export of a range of one table to a file, streamed in batches so that it may exceed memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

from expectations.contract import Table
from warehouse.catalog.snapshot_queries import ask
from warehouse.catalog.statements import fill
from warehouse.errors import UserError
from warehouse.progress import Progress
from warehouse.storage.atomic import replace_whole

WRITERS = {
    ".parquet": partial(pa.parquet.ParquetWriter, compression="zstd"),
    ".csv": pa.csv.CSVWriter,
    ".arrow": pa.ipc.new_file,
}


@dataclass(frozen=True)
class ExportRequest:
    """The rows to export, including both ends of the range; None or empty means all."""

    table: Table
    first: datetime | None = None
    last: datetime | None = None
    coins: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The SQL condition on the parameters `first`, `last`, `coins` and `exchanges`."""
        time = self.table.time_column
        conditions = {
            f"{time} >= $first": self.first if time else None,
            "date >= $first::DATE": self.first if self._by_day else None,
            f"{time} <= $last": self.last if time else None,
            "date <= $last::DATE": self.last if self._by_day else None,
            "list_contains($coins, coin)": self.coins,
            "list_contains($exchanges, exchange)": self.exchanges,
        }
        return " AND ".join(condition for condition, value in conditions.items() if value) or "true"

    @property
    def values(self) -> dict[str, Any]:
        """The parameters used in `where`."""
        parameters = {
            "first": self.first,
            "last": self.last,
            "coins": list(self.coins),
            "exchanges": list(self.exchanges),
        }
        return {name: value for name, value in parameters.items() if f"${name}" in self.where}

    @property
    def _by_day(self) -> bool:
        """True if `date` is the day of the time column; in raw and ops tables it is the day requested."""
        return "date" in self.table.partition and self.table.layer in ("core", "model", "mart")

    def check(self) -> None:
        """Raise UserError for a filter on a missing column, and for a range that ends before it begins."""
        absent = {
            "--from and --to: it has no time column": (self.first or self.last)
            and not (self.table.time_column or self._by_day),
            "--coins: it has no column coin": self.coins and "coin" not in self.table.schema,
            "--exchanges: it has no column exchange": self.exchanges and "exchange" not in self.table.schema,
        }
        for reason, applies in absent.items():
            if applies:
                raise UserError(f"{self.table.full_name} cannot be filtered by {reason}; leave that out")
        if self.first and self.last and self.first > self.last:
            raise UserError(f"--from {self.first:%Y-%m-%dT%H:%MZ} is after --to {self.last:%Y-%m-%dT%H:%MZ}; swap them")


def check_ending(out: Path) -> None:
    """Raise UserError for an unknown file extension, naming the known ones."""
    if (ending := out.suffix.lower()) not in WRITERS:
        raise UserError(
            f"--out {out}: cannot write {ending or 'a file without an extension'!r}; use .parquet, .csv or .arrow"
        )


def export(
    catalog: duckdb.DuckDBPyConnection, request: ExportRequest, out: Path, progress: Progress, at_once: int = 1 << 17
) -> int:
    """Write the rows in the order of the files and return their number. Raises UserError if there are none."""
    request.check()
    check_ending(out)
    name = request.table.full_name
    for option, column, names in (("--coins", "coin", request.coins), ("--exchanges", "exchange", request.exchanges)):
        _require_known(catalog, name, option, column, names)
    rows = int(ask(catalog, "export/count", table=name, condition=request.where, **request.values)["n"].item())
    if not rows:
        raise UserError(f"{name} has no rows in this selection; see its time range with: liq tables")
    progress.stage("export", rows, "rows")
    columns = ", ".join(_readable(request.table, out.suffix.lower()))
    statement = fill("export/rows", columns=columns, table=name, condition=request.where)
    relation = catalog.sql(statement, params=request.values or None)
    replace_whole(out, partial(_write, relation.to_arrow_reader(at_once), WRITERS[out.suffix.lower()], progress))
    return rows


def _require_known(
    catalog: duckdb.DuckDBPyConnection, name: str, option: str, column: str, names: Sequence[str]
) -> None:
    """Raise UserError for a name that does not occur in the table; it would otherwise be dropped silently."""
    stored = ask(catalog, "export/values", column=column, table=name)[column].to_list() if names else []
    if unknown := [each for each in names if each not in stored]:
        known = f"there are {', '.join(map(str, stored))}" if stored else "it has no rows yet; load some with: liq run"
        raise UserError(f"{option}: no {column} {', '.join(unknown)} in {name}; {known}")


def _readable(table: Table, ending: str) -> Iterable[str]:
    """Yield the columns to select: in CSV, bytes become base64, as in `liq sql`."""
    for name, dtype in table.schema.items():
        yield f"base64({name}) AS {name}" if ending == ".csv" and str(dtype) == "Binary" else name


def _write(batches: pa.RecordBatchReader, writer: Any, progress: Progress, hidden: Path) -> None:
    # a Python file object raises an OSError with a clear reason
    with hidden.open("wb") as stream, writer(stream, batches.schema) as file:
        for batch in batches:
            file.write_batch(batch)
            progress.step(advance=batch.num_rows)
