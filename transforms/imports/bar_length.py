"""How long a file's bars are: found from when they open, and the same throughout."""

from __future__ import annotations

import polars as pl

from transforms.imports.cells import refuse
from transforms.imports.layout import Refused

_MINUTE_MS = 60_000
_REGULAR = 0.9  # the share of steps that holes leave as long as a bar, at the least


def bar_minutes(opened: pl.DataFrame, column: str, *, longest: int) -> int:
    """Minutes of a bar, which divide an hour or are hours. `opened`: row, instrument and open_ms; `column`: its name.

    Raises Refused where bars are longer than `longest`, not of one length, or off their own grid.
    """
    steps = (
        opened.unique(["__instrument", "open_ms"])
        .sort("__instrument", "open_ms")
        .select("__instrument", pl.col("open_ms").diff().over("__instrument").alias("step"))
        .drop_nulls()
    )
    if steps.is_empty():
        raise Refused(f"column {column!r}: one bar does not tell how long it is; import several at once")
    lengths = steps.group_by("__instrument").agg(pl.col("step").min()).sort("step", "__instrument")
    if lengths["step"].n_unique() > 1:
        (one, short), (other, long) = lengths.row(0), lengths.row(-1)
        raise Refused(
            f"column {column!r}: bars of {one} open {short // 1000} s apart, those of {other} {long // 1000} s; "
            "import them one by one"
        )
    step = int(lengths["step"][0])
    minutes = step // _MINUTE_MS
    if step % _MINUTE_MS or minutes > longest or (60 % minutes and minutes % 60):
        allowed = "1, 5, 15, 30 or 60" if longest == 60 else "1 to 60, or whole hours"
        raise Refused(
            f"column {column!r}: bars open {step / _MINUTE_MS:g} minutes apart; they may be of {allowed} minutes"
        )
    if (steps["step"] == step).sum() < _REGULAR * steps.height:
        raise Refused(f"column {column!r}: most bars do not open {minutes} minutes apart, as some do; split the file")
    told = opened.with_columns(pl.from_epoch("open_ms", "ms").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias(column))
    refuse(told, opened["open_ms"] % step != 0, column, f"is off the grid of {minutes}-minute bars")
    return minutes
