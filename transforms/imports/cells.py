"""Columns of a file, read strictly: every value is one, or the first that is none is named."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from transforms.imports.layout import Refused

ROW = "__row"
"""Number of a row in its file, from 1, where the header does not count."""

_EARLIEST_MS = 1_262_304_000_000  # 2010: before it nobody traded perpetuals
_PER_MS = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}  # the four never overlap since 2010


def refuse(frame: pl.DataFrame, bad: pl.Series, column: str, why: str) -> None:
    """Raises Refused with the first row where `bad` is true, if there is one."""
    hit = frame.filter(bad)
    if hit.height:
        row = hit.row(0, named=True)
        more = f" ({hit.height} such rows)" if hit.height > 1 else ""
        raise Refused(f"column {column!r}, row {row[ROW]}: {_said(row.get(column))} {why}{more}")


def numbers(frame: pl.DataFrame, column: str, *, positive: bool = False) -> pl.Series:
    """The column as floats, none below zero, or with `positive` none at zero. Raises Refused."""
    value = frame[column].cast(pl.Float64, strict=False)
    refuse(frame, frame[column].is_null() | (frame[column].cast(pl.String) == ""), column, "is no number")
    refuse(frame, value.is_null() | ~value.is_finite(), column, "is no number")
    wrong, why = (value <= 0, "is not above zero") if positive else (value < 0, "is below zero")
    refuse(frame, wrong, column, why)
    return value


def words(frame: pl.DataFrame, column: str) -> pl.Series:
    """The column as text without blanks around it. Raises Refused for an empty one."""
    value = frame[column].cast(pl.String).str.strip_chars()
    refuse(frame, value.is_null() | (value == ""), column, "is blank")
    return value


def times(frame: pl.DataFrame, column: str, now_ms: int) -> pl.Series:
    """The column as unix ms, from ISO 8601 (UTC where no zone is given), times, or a number since 1970.

    Whether a number counts s, ms, us or ns is plain from its size, and the same for the whole file. Raises Refused for
    what is none of these, lies before 2010 or after `now_ms`.
    """
    refuse(frame, frame[column].is_null(), column, "is no time")
    stamp = frame[column]
    if stamp.dtype.is_temporal():
        made = _moments(stamp)
    elif (number := stamp.cast(pl.Float64, strict=False)).null_count() == 0:
        made = _since_1970(stamp, number, now_ms)
    else:
        made = pl.Series([_iso(text) for text in stamp.cast(pl.String)], dtype=pl.Int64)
    refuse(frame, made.is_null(), column, "is no time")
    refuse(frame, ~made.is_between(_EARLIEST_MS, now_ms), column, "is no time from 2010 until now")
    return made


def _moments(stamp: pl.Series) -> pl.Series:
    moments = stamp.cast(pl.Datetime("us")) if stamp.dtype == pl.Date else stamp
    return moments.dt.epoch("ms") if moments.dtype.base_type() == pl.Datetime else pl.Series([None], dtype=pl.Int64)


def _since_1970(stamp: pl.Series, number: pl.Series, now_ms: int) -> pl.Series:
    whole = None if stamp.dtype.is_float() else stamp.cast(pl.Int64, strict=False)
    for times_, over in _PER_MS.values():
        if _EARLIEST_MS <= number[0] * times_ / over <= now_ms:
            if whole is not None and whole.null_count() == 0:  # nanoseconds are finer than floats
                return whole * times_ // over
            return (number * times_ / over).round().cast(pl.Int64, strict=False)
    return number.clip(-1e18, 1e18).cast(pl.Int64, strict=False)


def _iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)


def _said(value: object) -> str:
    return (
        "a blank" if value in (None, "") else str(value)[:40] if isinstance(value, (int, float)) else repr(value)[:60]
    )
