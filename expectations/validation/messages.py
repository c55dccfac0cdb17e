"""What went wrong in a partition, in one line that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from expectations.contract import Table
from expectations.validation.rules import Rule

_LONGEST = 60  # characters of one value


def by_partition(table: Table, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the rows of each partition by its path: `coin=BTC/date=2026-01-05`, or "" for a table in one file.

    A frame that lacks columns of the path is divided by those it has.
    """
    keys = _path(table, frame)
    if frame.is_empty() or not keys:
        return {} if frame.is_empty() else {"": frame}
    return {_label(keys, values): rows for values, rows in frame.partition_by(keys, as_dict=True).items()}


def heights(table: Table, frame: pl.DataFrame) -> dict[str, int]:
    """Return the number of rows of each partition by its path, as `by_partition` divides them."""
    keys = _path(table, frame)
    if frame.is_empty() or not keys:
        return {} if frame.is_empty() else {"": frame.height}
    return {_label(keys, values): rows for *values, rows in frame.group_by(keys).len().iter_rows()}


def _path(table: Table, frame: pl.DataFrame) -> list[str]:
    return [c for c in table.partition if c in frame.columns]


def _label(keys: Sequence[str], values: Sequence[object]) -> str:
    return "/".join(f"{k}={v}" for k, v in zip(keys, values, strict=True))


def explain(table: Table, rule: Rule, bad: pl.DataFrame, rows: int) -> str:
    """Return the rule's reason, how many of the partition's `rows` break it, and the first of them."""
    match rule.check:
        case "columns":
            return f"{rule.reason} {_columns(table, bad)}"
        case "types":
            return f"{rule.reason} It is {bad.schema[rule.columns[0]]}."
        case "not_empty":
            return f"{rule.reason} This partition has none."
    shown = dict.fromkeys((*table.grain, *rule.columns))
    example = ", ".join(f"{name}={_value(bad[name][0])}" for name in shown)
    return f"{rule.reason} {bad.height} of {rows} rows break it, the first: {example}."


def _columns(table: Table, frame: pl.DataFrame) -> str:
    wanted = table.schema.names()
    lacking = [c for c in wanted if c not in frame.columns]
    foreign = [c for c in frame.columns if c not in wanted]
    if lacking or foreign:
        return f"Lacking: {', '.join(lacking) or 'none'}; foreign: {', '.join(foreign) or 'none'}."
    return f"They come as {', '.join(frame.columns)}."


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}"
    text = str(value).replace("\n", " ")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
