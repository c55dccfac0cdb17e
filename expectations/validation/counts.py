"""Counts of the rows that break each rule of a contract, per partition.

One pass of polars over a frame settles the rules that hold; a second pass counts the rows that break the others and
finds the first example. A frame in the order of its files is never sorted. `gx.py` decides over the counts; this module
does not import Great Expectations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl
import polars.selectors as cs

from expectations.contract import Severity, Table
from expectations.validation.messages import by_partition, explain, heights
from expectations.validation.rules import STRUCTURAL, Rule, in_order, row_key, rules


@dataclass(frozen=True)
class Count:
    """How many of a partition's rows break one check, and why that matters.

    `partition` is as in the path, "" for a table in one file. A partition that fails as a whole, as one without rows
    does, counts at least 1. `reason` names the check, the count and the first example; it is empty where nothing fails.
    """

    table_name: str
    partition: str
    check_name: str
    severity: Severity
    rows: int
    failing_rows: int
    reason: str


def count(
    table: Table, frame: pl.DataFrame, *, expected_time: datetime | None = None, partitions: Sequence[str] = ()
) -> list[Count]:
    """Count the rows that break each check, for `partitions` or else for all that `frame` has rows of.

    Rows of other partitions are context for checks that look at the row before. Freshness is counted where
    `expected_time` is given.
    """
    frame = frame.cast({cs.categorical() | cs.enum(): pl.String})
    asked = rules(table, expected_time=expected_time)
    broken = [r for r in asked if _misshapes(r, table, frame)]
    if broken or frame.is_empty():
        asked = tuple(r for r in asked if r.check in STRUCTURAL and not (r.check == "types" and _lacks(r, frame)))
    else:
        if not (table.file_order or frame.select(in_order(table)).item()):
            frame = frame.sort(row_key(table))
        broken = _suspects(frame, asked)
    marks = {f"breaks {i}": rule for i, rule in enumerate(broken)}
    offenders = _offenders(frame, marks)
    found, rows = by_partition(table, offenders), heights(table, frame)
    labels = sorted(set(partitions)) or sorted(rows) or [""]
    return [
        one
        for label in labels
        for one in _counted(table, label, rows.get(label, 0), found.get(label, offenders.clear()), asked, marks)
    ]


def _misshapes(rule: Rule, table: Table, frame: pl.DataFrame) -> bool:
    match rule.check:
        case "columns":
            return tuple(frame.columns) != rule.columns
        case "types":
            return not _lacks(rule, frame) and frame.schema[rule.columns[0]] != table.schema[rule.columns[0]]
    return False


def _lacks(rule: Rule, frame: pl.DataFrame) -> bool:
    return rule.columns[0] not in frame.columns


def _suspects(frame: pl.DataFrame, asked: Iterable[Rule]) -> list[Rule]:
    """Return the rules that some row may break, all asked in one pass."""
    of_rows = [r for r in asked if r.check not in STRUCTURAL]
    held = frame.select(r.all_hold.alias(str(i)) for i, r in enumerate(of_rows)).row(0)
    return [rule for rule, holds in zip(of_rows, held, strict=True) if not holds]


def _offenders(frame: pl.DataFrame, marks: Mapping[str, Rule]) -> pl.DataFrame:
    """Return the rows that break any of the rules, with a boolean column for each."""
    if not marks:
        return frame.clear()
    breaks = ((~rule.holds.fill_null(False)).alias(mark) for mark, rule in marks.items())
    return frame.lazy().with_columns(breaks).filter(pl.any_horizontal(*marks)).collect()


def _counted(
    table: Table, label: str, rows: int, offenders: pl.DataFrame, asked: Sequence[Rule], marks: Mapping[str, Rule]
) -> Iterator[Count]:
    """Yield the counts of one partition, of which `offenders` are the rows that break a rule."""
    for check, severity in {r.check: r.severity for r in asked}.items():
        broken = {mark: rule for mark, rule in marks.items() if rule.check == check}
        failing = offenders.filter(pl.any_horizontal(*broken)) if broken else offenders.clear()
        bad = [(rule, failing.filter(pl.col(mark))) for mark, rule in broken.items()]
        if check == "not_empty" and not rows:
            bad = [(rule, failing) for rule in asked if rule.check == check]
        why = [
            explain(table, rule, some.drop(*marks), rows) for rule, some in bad if some.height or check in STRUCTURAL
        ]
        reason = f"{table.full_name}.{check}: {' '.join(why)}" if why else ""
        yield Count(table.name, label, check, severity, rows, max(failing.height, 1) if why else 0, reason)
