"""Cells of imported files: accepted notations of times and numbers, and refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.imports.cells import ROW, numbers, times
from transforms.imports.layout import Refused

NOW_MS = 1_800_000_000_000
MOMENTS = st.lists(st.integers(1_262_304_000, NOW_MS // 1000), min_size=1, max_size=5)


def column(values: list[object], dtype: pl.DataType | None = None) -> pl.DataFrame:
    return pl.DataFrame({"t": pl.Series(values, dtype=dtype)}).with_row_index(ROW, offset=1)


@given(MOMENTS)
def test_time_is_read_in_every_notation(seconds: list[int]) -> None:
    moments = [datetime(1970, 1, 1) + timedelta(seconds=s) for s in seconds]
    writings: list[pl.DataFrame] = [
        *(column([s * scale for s in seconds]) for scale in (1, 1000, 10**6, 10**9)),
        *(column([str(s * scale) for s in seconds]) for scale in (1, 1000, 10**6)),
        column([float(s) for s in seconds]),
        column([m.isoformat() for m in moments]),
        column([m.isoformat() + "+00:00" for m in moments]),
        column([f"{(m + timedelta(hours=9)).isoformat(sep=' ')}+09:00" for m in moments]),
        column(moments),
        column([m.replace(tzinfo=UTC) for m in moments], pl.Datetime("ns", "UTC")),
    ]
    for writing in writings:
        assert times(writing, "t", NOW_MS).to_list() == [s * 1000 for s in seconds]


@pytest.mark.parametrize(
    ("values", "row", "why"),
    [
        ([1_767_225_600, 1_767_225_600_000], 2, "is not a time between 2010 and now"),
        ([1_767_225_600_000, 0], 2, "is not a time between 2010 and now"),
        ([5, 6], 1, "is not a time between 2010 and now"),
        ([NOW_MS + 1], 1, "is not a time between 2010 and now"),
        (["2026-01-05T00:00:00Z", "yesterday"], 2, "'yesterday' is not a time"),
        (["2026-01-05T00:00:00Z", None], 2, "a blank is not a time"),
        ([1_767_225_600.0, float("nan")], 2, "is not a time"),
    ],
)
def test_invalid_time_is_named(values: list[object], row: int, why: str) -> None:
    with pytest.raises(Refused, match=f"column 't', row {row}: .*{why}"):
        times(column(values), "t", NOW_MS)


@pytest.mark.parametrize(
    ("value", "why"),
    [("", "a blank is not a number"), (None, "a blank"), ("nan", "is not a number"), ("n/a", "'n/a'"),
     ("-1", "below zero"), ("inf", "is not a number"), ("0", "is not above zero")],
)  # fmt: skip
def test_invalid_number_is_named(value: str | None, why: str) -> None:
    with pytest.raises(Refused, match=f"row 2: .*{why}"):
        numbers(column(["1.5", value]), "t", positive=value == "0")
