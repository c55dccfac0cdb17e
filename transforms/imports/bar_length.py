"""The length of a file's bars, found from their opening times; one length per file."""

from __future__ import annotations

import polars as pl

from transforms.hourly.hours import MINUTE_MS
from transforms.imports.cells import refuse
from transforms.imports.layout import Refused

_REGULAR = 0.9  # least share of steps that equal the bar length; gaps make the others longer


def bar_minutes(opened: pl.DataFrame, column: str, *, longest: int) -> int:
    """Return the bar length in minutes: a divisor of an hour, or whole hours.

    opened: row, instrument and open_ms. column: the file's name for the opening time. Raises Refused where bars are
    longer than `longest` minutes, differ in length, or do not open at multiples of it.
    """
    steps = (
        opened.unique(["__instrument", "open_ms"])
        .sort("__instrument", "open_ms")
        .select("__instrument", pl.col("open_ms").diff().over("__instrument").alias("step"))
        .drop_nulls()
    )
    if steps.is_empty():
        raise Refused(f"column {column!r}: a single bar has no known length; import at least two bars of a contract")
    lengths = steps.group_by("__instrument").agg(pl.col("step").min()).sort("step", "__instrument")
    if lengths["step"].n_unique() > 1:
        (one, short), (other, long) = lengths.row(0), lengths.row(-1)
        raise Refused(
            f"column {column!r}: bars of {one} are {short // 1000} s apart, bars of {other} {long // 1000} s; "
            "import each contract from a file of its own"
        )
    step = int(lengths["step"][0])
    minutes = step // MINUTE_MS
    if step % MINUTE_MS or minutes > longest or (60 % minutes and minutes % 60):
        allowed = "divide 60 minutes" if longest == 60 else f"divide 60 minutes or be whole hours up to {longest // 60}"
        raise Refused(
            f"column {column!r}: bars are {step / MINUTE_MS:g} minutes apart; the length of a bar must {allowed}"
        )
    if (steps["step"] == step).sum() < _REGULAR * steps.height:
        raise Refused(
            f"column {column!r}: some bars are {minutes} minutes apart but most are not; "
            "import the bars of each length from a file of their own"
        )
    shown = opened.with_columns(pl.from_epoch("open_ms", "ms").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias(column))
    refuse(shown, opened["open_ms"] % step != 0, column, f"is not on the grid of {minutes}-minute bars")
    return minutes
