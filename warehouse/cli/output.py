"""Output of rows: a table for people; CSV, JSON or Parquet for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.errors import UserError

if TYPE_CHECKING:
    import polars as pl
    from rich.console import Console
    from rich.table import Table

CSV_TIME = "%Y-%m-%d %H:%M:%S"
_WIDE, _LONGEST = 10_000, 80


class Format(StrEnum):
    """The output formats."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def emit(
    frame: pl.DataFrame, form: Format, out: Path | None = None, *, most: int | None = None, title: str = ""
) -> None:
    """Print or write the rows. A table shows at most `most` rows and says so; the other formats have all."""
    if form is Format.TABLE:
        shown = frame if most is None else frame.head(most)
        _text(_drawn(table(shown, title)), out)
        if shown.height < frame.height:
            print(f"liq: {shown.height} of {frame.height} rows shown; --format csv gives all", file=sys.stderr)
    elif form is Format.PARQUET:
        if out is None:
            raise UserError("--format parquet needs a file: add --out rows.parquet")
        _file(out, frame.write_parquet)
    else:
        _text(_plain(frame, form), out)


def table(frame: pl.DataFrame, title: str = "") -> Table:
    """Return the rows as a terminal table: numbers right-aligned, with thousands separators."""
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(title=title or None, title_justify="left", header_style="bold")
    for name, dtype in frame.schema.items():
        drawn.add_column(name, justify="right" if dtype.is_numeric() else "left", overflow="fold", max_width=_LONGEST)
    for row in frame.iter_rows():
        drawn.add_row(*(escape(cell(value)) for value in row))
    return drawn


def cell(value: Any) -> str:
    """Format one value."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.6g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" if not value.second and not value.microsecond else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return str(value)


def printer(*, to_error: bool = False) -> Console:
    """Return a console that wraps lines only on a terminal."""
    from rich.console import Console

    console = Console(stderr=to_error, highlight=False)
    return console if console.is_terminal else Console(stderr=to_error, highlight=False, width=_WIDE)


def _drawn(drawn: Table) -> Callable[[Any], None]:
    from rich.console import Console

    def draw(stream: Any) -> None:
        console = printer() if stream is sys.stdout else Console(file=stream, width=_WIDE)
        console.print(drawn)

    return draw


def _plain(frame: pl.DataFrame, form: Format) -> Callable[[Any], None]:
    import polars as pl

    readable = frame.with_columns(pl.col(pl.Binary).bin.encode("base64"))
    try:
        text = readable.write_csv(datetime_format=CSV_TIME) if form is Format.CSV else readable.write_json() + "\n"
    except pl.exceptions.PolarsError as error:
        raise UserError(
            f"{form} cannot hold these rows ({str(error).splitlines()[0]}); try --format parquet"
        ) from error
    return lambda stream: stream.write(text)


def _text(write: Callable[[Any], None], out: Path | None) -> None:
    if out is None:
        write(sys.stdout)
        return

    def to_file(hidden: Path) -> None:
        with hidden.open("w") as stream:
            write(stream)

    _file(out, to_file)


def _file(out: Path, write: Callable[[Path], object]) -> None:
    from warehouse.storage.atomic import replace_whole

    print(f"wrote {replace_whole(out, write)}")
