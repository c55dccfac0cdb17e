"""Messages about failed checks: one line each, with the count and the first example."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from expectations.contract import Table
from expectations.validation.rules import Rule

_LONGEST = 60  # characters of one value


def by_partition(table: Table, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the rows of each partition by its path: `coin=BTC/date=2026-01-05`, or "" for a table in one file.

    A frame without some partition columns is split by the others.
    """
    keys = _path_columns(table, frame)
    if frame.is_empty() or not keys:
        return {} if frame.is_empty() else {"": frame}
    return {_label(keys, values): rows for values, rows in frame.partition_by(keys, as_dict=True).items()}


def heights(table: Table, frame: pl.DataFrame) -> dict[str, int]:
    """Return the number of rows of each partition by its path, split as in `by_partition`."""
    keys = _path_columns(table, frame)
    if frame.is_empty() or not keys:
        return {} if frame.is_empty() else {"": frame.height}
    return {_label(keys, values): rows for *values, rows in frame.group_by(keys).len().iter_rows()}


def _path_columns(table: Table, frame: pl.DataFrame) -> list[str]:
    return [c for c in table.partition if c in frame.columns]


def _label(keys: Sequence[str], values: Sequence[object]) -> str:
    return "/".join(f"{k}={v}" for k, v in zip(keys, values, strict=True))


def explain(table: Table, rule: Rule, bad: pl.DataFrame, rows: int) -> str:
    """Return the rule's reason, the number of the partition's `rows` that fail it, and the first of them."""
    match rule.check:
        case "columns":
            return f"{rule.reason} {_compare_columns(table, bad)}"
        case "types":
            return f"{rule.reason} The frame has {bad.schema[rule.columns[0]]}."
        case "not_empty":
            return f"{rule.reason} This one has none."
    shown = dict.fromkeys((*table.grain, *rule.columns))
    example = ", ".join(f"{name}={_format_value(bad[name][0])}" for name in shown)
    return f"{rule.reason} {bad.height} of {rows} rows fail, the first: {example}."


def _compare_columns(table: Table, frame: pl.DataFrame) -> str:
    expected = table.schema.names()
    missing = [c for c in expected if c not in frame.columns]
    foreign = [c for c in frame.columns if c not in expected]
    if missing or foreign:
        return f"Missing: {', '.join(missing) or 'none'}; foreign: {', '.join(foreign) or 'none'}."
    return f"The frame has {', '.join(frame.columns)}."


def _format_value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}"
    text = str(value).replace("\n", " ")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
