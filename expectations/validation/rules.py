"""Rules of a contract over rows: those implied by its columns and grain, and its own checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from expectations.contract import PERIODS, Column, Severity, Table

STRUCTURAL = ("columns", "types", "not_empty")  # the only checks of an empty or misshapen frame


@dataclass(frozen=True)
class Rule:
    """A rule over rows. `holds` is true on the rows that satisfy it; null counts as failure.

    Several rules may share one `check`, the name recorded in `ops.checks`: one rule per column.
    """

    check: str
    reason: str
    holds: pl.Expr
    columns: tuple[str, ...] = ()  # read by `holds`
    severity: Severity = "FAIL"
    proof: pl.Expr | None = None  # a cheaper single value, true only where every row holds

    @property
    def all_hold(self) -> pl.Expr:
        """An expression for one value: true only if every row holds. With a `proof`, false may be a false alarm."""
        proof = self.holds.fill_null(False).all() if self.proof is None else self.proof
        return proof.fill_null(False)


def rules(table: Table, *, expected_time: datetime | None = None) -> tuple[Rule, ...]:
    """Return every rule of `table`. The freshness rule is included only if `expected_time` is given."""
    derived = (*_shape_rules(table), *_value_rules(table), *_row_rules(table))
    fresh = _freshness_rule(table, expected_time)
    own = (Rule(c.name, c.reason, c.holds, _columns_read(table, c.holds), c.severity) for c in table.checks)
    return (*derived, *([fresh] if fresh else []), *own)


def _shape_rules(table: Table) -> Iterator[Rule]:
    # A frame of the wrong shape is wrong in every row.
    names = tuple(c.name for c in table.columns)
    reason = "Columns must be those of the contract, in its order."
    yield Rule("columns", reason, pl.lit(False), names)
    for c in table.columns:
        reason = f"`{c.name}` must have type {c.dtype}."
        yield Rule("types", reason, pl.lit(False), (c.name,))
    if not table.may_be_empty:
        yield Rule("not_empty", "A partition must have rows.", pl.lit(False))


def _value_rules(table: Table) -> Iterator[Rule]:
    for c in table.columns:
        value = pl.col(c.name)
        if c.name not in table.nullable:
            reason = f"`{c.name}` must not be null."
            yield Rule("not_null", reason, value.is_not_null(), (c.name,), proof=value.null_count() == 0)
        if c.minimum is not None or c.maximum is not None:
            reason = f"`{c.name}` must be {bounds(c)}."
            yield Rule("in_range", reason, _is_in_bounds(c), (c.name,))
        if c.allowed is not None:
            reason = f"`{c.name}` must be one of {', '.join(c.allowed)}."
            holds, proof = value.is_in(c.allowed), value.unique().is_in(c.allowed)  # few distinct values in many rows
            yield Rule("allowed_values", reason, value.is_null() | holds, (c.name,), proof=proof.all())
        if c.pattern is not None:
            reason = f"`{c.name}` must match {c.pattern}."
            whole = f"^(?:{c.pattern})$"
            holds, proof = value.str.contains(whole), value.unique().str.contains(whole)
            yield Rule("matches_pattern", reason, value.is_null() | holds, (c.name,), proof=proof.all())


def bounds(column: Column) -> str:
    """Return a column's bounds in words; empty if it has none."""
    low, high = column.minimum, column.maximum
    if low is not None and high is not None:
        return f"between {low:g} and {high:g}"
    if low is not None:
        return f"at least {low:g}"
    return f"at most {high:g}" if high is not None else ""


def _is_in_bounds(column: Column) -> pl.Expr:
    # NaN has no order; `finite` reports it.
    value = pl.col(column.name).fill_nan(None) if column.dtype.is_float() else pl.col(column.name)
    low, high = column.minimum, column.maximum
    holds = pl.lit(True)
    if low is not None:
        holds = holds & (value >= low)
    if high is not None:
        holds = holds & (value <= high)
    return value.is_null() | holds


def _row_rules(table: Table) -> Iterator[Rule]:
    keys = row_key(table)
    reason = f"Only one row is allowed per {', '.join(keys)}."
    yield Rule("grain_is_unique", reason, pl.struct(keys).is_unique(), proof=in_order(table))
    floats = tuple(c.name for c in table.columns if c.dtype.is_float())
    if floats:
        # Comparisons with NaN are unreliable, so bounds and checks may not see it.
        holds = pl.all_horizontal(pl.col(c).is_null() | pl.col(c).is_finite() for c in floats)
        yield Rule("finite", "Numbers must not be NaN or infinite.", holds, floats)
    if table.layer in ("core", "model", "mart") and table.time_column and "date" in table.partition:
        subject = ("date", table.time_column)
        reason = f"`date` must be the day of `{table.time_column}`, or queries that filter by `date` miss the row."
        yield Rule("date_matches_time", reason, pl.col(table.time_column).dt.date() == pl.col("date"), subject)


def row_key(table: Table) -> tuple[str, ...]:
    """Return the columns that identify a row in the whole table: partition columns, then the grain."""
    return (*table.partition, *(c for c in table.grain if c not in table.partition))


def in_order(table: Table) -> pl.Expr:
    """Return an expression for a single value: true if all rows are in strictly ascending file order."""
    beyond = pl.lit(False)
    in_file = (c for c in table.file_order or table.grain if c not in table.partition)
    for column in reversed((*table.partition, *in_file)):
        here, before = pl.col(column), pl.col(column).shift(1)
        beyond = (here > before) | ((here == before) & beyond)
    return beyond.slice(1).fill_null(False).all()


def _freshness_rule(table: Table, expected_time: datetime | None) -> Rule | None:
    if expected_time is None or table.time_column is None or table.fresh_within_hours is None:
        return None
    expected = expected_time.astimezone(UTC).replace(tzinfo=None) if expected_time.tzinfo else expected_time
    oldest = expected - timedelta(hours=table.fresh_within_hours)
    time = pl.col(table.time_column)
    # Only the newest rows of each coin are checked: older partitions are expected to be older.
    series = [c for c in table.partition if c not in PERIODS]
    newest = time.max().over(series) if series else time.max()
    return Rule(
        "fresh",
        f"The newest `{table.time_column}` must not be older than {oldest:%Y-%m-%d %H:%M} UTC.",
        (time < newest) | (time >= oldest),
        (table.time_column,),
        fresh_severity(table),
    )


def fresh_severity(table: Table) -> Severity:
    """Return FAIL for a table that must include the run's own hour, else WARN."""
    return "FAIL" if table.fresh_within_hours == 0 else "WARN"


def _columns_read(table: Table, holds: pl.Expr) -> tuple[str, ...]:
    """Return the columns that a check reads, in the contract's order."""
    read = set(holds.meta.root_names())
    return tuple(c.name for c in table.columns if c.name in read)
