"""Counts of the rows that fail each rule of a contract, per partition.

A first polars pass over a frame finds the rules that hold; a second counts the failing rows of the others and picks
the first example. A frame in file order is never sorted. `gx.py` decides on the counts; this module does not import
Great Expectations, which takes seconds.
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
    """The number of a partition's rows that fail one check, with the message for it.

    `partition` is as in the path, "" for a table in one file. A partition that fails as a whole, e.g. one without rows,
    counts at least 1. `reason` names the check, the count and the first example; it is empty if no row fails.
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
    """Count the rows that fail each check, for `partitions` or, by default, for all partitions in `frame`.

    Rows of other partitions are context for checks that compare with the previous row. Freshness is checked only if
    `expected_time` is given.
    """
    frame = frame.cast({cs.categorical() | cs.enum(): pl.String})
    checked = rules(table, expected_time=expected_time)
    broken = [r for r in checked if _is_misshapen(r, table, frame)]
    if broken or frame.is_empty():
        checked = tuple(
            r for r in checked if r.check in STRUCTURAL and not (r.check == "types" and _is_column_missing(r, frame))
        )
    else:
        if not (table.file_order or frame.select(in_order(table)).item()):
            frame = frame.sort(row_key(table))
        broken = _find_failing_rules(frame, checked)
    marks = {f"fails {i}": rule for i, rule in enumerate(broken)}
    failing_rows = _select_failing_rows(frame, marks)
    by_label, rows = by_partition(table, failing_rows), heights(table, frame)
    labels = sorted(set(partitions)) or sorted(rows) or [""]
    return [
        one
        for label in labels
        for one in _count_partition(
            table, label, rows.get(label, 0), by_label.get(label, failing_rows.clear()), checked, marks
        )
    ]


def _is_misshapen(rule: Rule, table: Table, frame: pl.DataFrame) -> bool:
    match rule.check:
        case "columns":
            return tuple(frame.columns) != rule.columns
        case "types":
            return (
                not _is_column_missing(rule, frame) and frame.schema[rule.columns[0]] != table.schema[rule.columns[0]]
            )
    return False


def _is_column_missing(rule: Rule, frame: pl.DataFrame) -> bool:
    return rule.columns[0] not in frame.columns


def _find_failing_rules(frame: pl.DataFrame, checked: Iterable[Rule]) -> list[Rule]:
    """Return the rules that some row may fail, evaluated in one pass."""
    row_rules = [r for r in checked if r.check not in STRUCTURAL]
    held = frame.select(r.all_hold.alias(str(i)) for i, r in enumerate(row_rules)).row(0)
    return [rule for rule, holds in zip(row_rules, held, strict=True) if not holds]


def _select_failing_rows(frame: pl.DataFrame, marks: Mapping[str, Rule]) -> pl.DataFrame:
    """Return the rows that fail any of the rules, with a boolean column for each rule."""
    if not marks:
        return frame.clear()
    fails = ((~rule.holds.fill_null(False)).alias(mark) for mark, rule in marks.items())
    return frame.lazy().with_columns(fails).filter(pl.any_horizontal(*marks)).collect()


def _count_partition(
    table: Table, label: str, rows: int, failing_rows: pl.DataFrame, checked: Sequence[Rule], marks: Mapping[str, Rule]
) -> Iterator[Count]:
    """Yield the counts of one partition; `failing_rows` are its rows that fail a rule."""
    for check, severity in {r.check: r.severity for r in checked}.items():
        broken = {mark: rule for mark, rule in marks.items() if rule.check == check}
        failing = failing_rows.filter(pl.any_horizontal(*broken)) if broken else failing_rows.clear()
        bad = [(rule, failing.filter(pl.col(mark))) for mark, rule in broken.items()]
        if check == "not_empty" and not rows:
            bad = [(rule, failing) for rule in checked if rule.check == check]
        why = [
            explain(table, rule, some.drop(*marks), rows) for rule, some in bad if some.height or check in STRUCTURAL
        ]
        reason = f"{table.full_name}.{check}: {' '.join(why)}" if why else ""
        yield Count(table.name, label, check, severity, rows, max(failing.height, 1) if why else 0, reason)
