"""What went wrong in a partition, in one line that a person can act on."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from expectations.contract import Table
from expectations.rules import Rule

_LONGEST = 60  # characters of one value


def by_partition(table: Table, frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The rows of each partition, by its path: `coin=BTC/date=2026-01-05`, or "" for a table in one file.

    A frame that lacks columns of the path is told apart by those it has.
    """
    keys = [c for c in table.partition if c in frame.columns]
    if frame.is_empty():
        return {}
    if not keys:
        return {"": frame}
    parts = frame.partition_by(keys, as_dict=True)
    return {"/".join(f"{k}={v}" for k, v in zip(keys, values, strict=True)): rows for values, rows in parts.items()}


def explain(table: Table, rule: Rule, bad: pl.DataFrame, part: pl.DataFrame) -> str:
    """What the rule demands, how many of the partition's rows break it, and the first of them."""
    match rule.check:
        case "columns":
            return f"{rule.reason} {_columns(table, part)}"
        case "types":
            return f"{rule.reason} It is {part.schema[rule.columns[0]]}."
        case "not_empty":
            return f"{rule.reason} This partition has none."
    if bad.is_empty():  # what failed elsewhere and could not be placed holds an empty partition back too
        return rule.reason
    shown = dict.fromkeys((*table.grain, *rule.columns))
    example = ", ".join(f"{name}={_value(bad[name][0])}" for name in shown)
    return f"{rule.reason} {bad.height} of {part.height} rows do not hold, such as {example}."


def _columns(table: Table, part: pl.DataFrame) -> str:
    wanted = table.schema.names()
    lacking = [c for c in wanted if c not in part.columns]
    foreign = [c for c in part.columns if c not in wanted]
    if lacking or foreign:
        return f"Lacking: {', '.join(lacking) or 'none'}; foreign: {', '.join(foreign) or 'none'}."
    return f"They come as {', '.join(part.columns)}."


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}"
    text = str(value).replace("\n", " ")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
