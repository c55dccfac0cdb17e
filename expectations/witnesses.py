"""The rows of a frame that decide its rules: of millions, a few that stand for all before Great Expectations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from expectations.contract import Table
from expectations.rules import Rule, row_key


def witnesses(table: Table, answered: pl.DataFrame, asked: Sequence[Rule]) -> pl.DataFrame:
    """For each rule the rows that would break it if any does, and one more: the first.

    `answered` is sorted by the table's row key, with the rules' answers beside it.
    """
    if answered.is_empty():
        return answered
    found = [pl.Series([0], dtype=pl.UInt32)]
    for rule in asked:
        found += [rows.cast(pl.UInt32) for rows in _of(table, answered, rule)]
    return answered[pl.concat(found).drop_nulls().unique().sort()]


def _of(table: Table, answered: pl.DataFrame, rule: Rule) -> Iterator[pl.Series]:
    if rule.answered_in_polars:
        yield (~answered[rule.answer]).arg_true().head(1)
        return
    match rule.check:
        case "not_null":
            yield answered[rule.columns[0]].is_null().arg_true().head(1)
        case "in_range":
            values = pl.col(rule.columns[0])
            if table.column(rule.columns[0]).dtype.is_float():
                values = values.fill_nan(None)
            yield from answered.select(values.arg_min().alias("least"), values.arg_max().alias("most"))
        case "allowed_values" | "reads_like":
            yield answered.select(pl.col(rule.columns[0]).arg_unique()).to_series()
        case "grain_is_unique":
            yield from _twins(table, answered)


def _twins(table: Table, answered: pl.DataFrame) -> Iterator[pl.Series]:
    """The first two rows of one key; equal keys stand side by side."""
    runs = answered.select(pl.struct(row_key(table)).rle_id()).to_series()
    second = (runs == runs.shift(1)).arg_true().head(1)
    yield second
    yield second - 1
