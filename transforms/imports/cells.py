"""Strict parsing of a file's columns: an error names the first invalid value."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from transforms.imports.layout import Refused

ROW = "__row"
"""Column of row numbers in the file, from 1, header excluded."""

_EARLIEST_MS = 1_262_304_000_000  # 2010: earlier than the first perpetual
_PER_MS = {
    "s": (1000, 1),
    "ms": (1, 1),
    "us": (1, 1000),
    "ns": (1, 1_000_000),
}  # their ranges since 2010 do not overlap


def refuse(frame: pl.DataFrame, bad: pl.Series, column: str, why: str) -> None:
    """Raise Refused naming the first row where `bad` is true, if there is one, and the count of such rows."""
    hit = frame.filter(bad)
    if hit.height:
        row = hit.row(0, named=True)
        more = f" ({hit.height} rows in all)" if hit.height > 1 else ""
        raise Refused(f"column {column!r}, row {row[ROW]}: {_quote(row.get(column))} {why}{more}")


def numbers(frame: pl.DataFrame, column: str, *, positive: bool = False) -> pl.Series:
    """Return the column as floats of at least zero, or above zero with `positive`. Raises Refused."""
    value = frame[column].cast(pl.Float64, strict=False)
    refuse(frame, frame[column].is_null() | (frame[column].cast(pl.String) == ""), column, "is not a number")
    refuse(frame, value.is_null() | ~value.is_finite(), column, "is not a number")
    wrong, why = (value <= 0, "is not above zero") if positive else (value < 0, "is below zero")
    refuse(frame, wrong, column, why)
    return value


def words(frame: pl.DataFrame, column: str) -> pl.Series:
    """Return the column as text, stripped. Raises Refused for an empty value."""
    value = frame[column].cast(pl.String).str.strip_chars()
    refuse(frame, value.is_null() | (value == ""), column, "is blank")
    return value


def times(frame: pl.DataFrame, column: str, now_ms: int) -> pl.Series:
    """Return the column as unix ms, from ISO 8601 text (UTC without an offset), datetimes, or numbers since 1970.

    The unit of numbers (s, ms, us or ns) follows from the size of the first one and holds for the whole file. Raises
    Refused for other values, and for times before 2010 or after `now_ms`.
    """
    refuse(frame, frame[column].is_null(), column, "is not a time")
    stamp = frame[column]
    if stamp.dtype.is_temporal():
        ms = _from_datetimes(stamp)
    elif (number := stamp.cast(pl.Float64, strict=False)).null_count() == 0:
        ms = _from_numbers(stamp, number, now_ms)
    else:
        ms = pl.Series([_from_iso(text) for text in stamp.cast(pl.String)], dtype=pl.Int64)
    refuse(frame, ms.is_null(), column, "is not a time")
    refuse(frame, ~ms.is_between(_EARLIEST_MS, now_ms), column, "is not a time between 2010 and now")
    return ms


def _from_datetimes(stamp: pl.Series) -> pl.Series:
    moments = stamp.cast(pl.Datetime("us")) if stamp.dtype == pl.Date else stamp
    return moments.dt.epoch("ms") if moments.dtype.base_type() == pl.Datetime else pl.Series([None], dtype=pl.Int64)


def _from_numbers(stamp: pl.Series, number: pl.Series, now_ms: int) -> pl.Series:
    whole = None if stamp.dtype.is_float() else stamp.cast(pl.Int64, strict=False)
    for times_, over in _PER_MS.values():
        if _EARLIEST_MS <= number[0] * times_ / over <= now_ms:
            if whole is not None and whole.null_count() == 0:  # floats are too coarse for nanoseconds
                return whole * times_ // over
            return (number * times_ / over).round().cast(pl.Int64, strict=False)
    return number.clip(-1e18, 1e18).cast(pl.Int64, strict=False)


def _from_iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)


def _quote(value: object) -> str:
    return (
        "a blank" if value in (None, "") else str(value)[:40] if isinstance(value, (int, float)) else repr(value)[:60]
    )
