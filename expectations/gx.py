"""Contracts as Great Expectations suites, and frames put before them.

Polars picks the rows that could break a rule, Great Expectations decides over them whether it holds; polars then finds
the partitions and rows in which it does not.
Importing this module takes seconds, so callers import it where they validate. Set GX_ANALYTICS_ENABLED=false in the
environment before that: this module turns analytics off in its context, and may not touch the environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import great_expectations as gx
import pandas as pd
import polars as pl
import polars.selectors as cs
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.contract import Column, Severity, Table
from expectations.reasons import by_partition, explain
from expectations.rules import STRUCTURAL, Rule, row_key, rules
from expectations.witnesses import witnesses

Wanted = tuple[str, dict[str, Any]]  # an expectation's type and arguments


@dataclass(frozen=True)
class CheckResult:
    """What one check said of one partition: a row of `ops.checks`. `partition` is as in the path, "" for no path."""

    table_name: str
    partition: str
    check_name: str
    severity: Severity
    passed: bool
    failing_rows: int
    reason: str


def suite(table: Table, *, expected_time: datetime | None = None) -> gx.ExpectationSuite:
    """The suite of a contract, over its columns followed by one boolean `check__<name>` for each polars rule."""
    return _suite(table, rules(table, expected_time=expected_time))


def validate(
    table: Table, frame: pl.DataFrame, *, expected_time: datetime | None = None, partitions: Sequence[str] = ()
) -> list[CheckResult]:
    """Put all staged rows of a table before its suite: one result for each check and partition.

    `partitions` names partitions that must be there: one without rows fails `not_empty`, as does a frame without any.
    """
    asked = _askable(table, frame, rules(table, expected_time=expected_time))
    answered = _answered(table, frame, asked)
    faults = [
        _placed(rule, answered)
        for rule, passed in zip(asked, _verdicts(table, answered, asked), strict=True)
        if not passed
    ]
    # where nothing failed, one row of a partition says as much as all of them
    found = by_partition(table, answered if faults else _one_each(table, answered))
    labels = sorted({*found, *partitions}) or [""]
    absent = answered.clear()
    return [r for label in labels for r in _results(table, label, found.get(label, absent), asked, faults)]


def _one_each(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    path = [c for c in table.partition if c in frame.columns]
    return frame.unique(path, keep="any") if path else frame.head(1)


def _askable(table: Table, frame: pl.DataFrame, wanted: Iterable[Rule]) -> list[Rule]:
    """The rules that a frame of this shape can be asked."""
    shaped = frame.schema == table.schema and frame.columns == table.schema.names()
    if not shaped or frame.is_empty():
        shape = [r for r in wanted if r.check in STRUCTURAL]
        return [r for r in shape if r.check != "types" or r.columns[0] in frame.columns]
    # Where nothing has a value, no value is out of range; the smallest of none would be.
    valueless = {c.name for c in frame if c.null_count() == frame.height}
    return [r for r in wanted if r.check != "in_range" or r.columns[0] not in valueless]


def _answered(table: Table, frame: pl.DataFrame, asked: list[Rule]) -> pl.DataFrame:
    """The frame in the order that checks rely on, with their answers beside it."""
    answers = [r.holds.fill_null(False).alias(r.answer) for r in asked if r.answered_in_polars]
    return frame.sort([column for column in row_key(table) if column in frame.columns]).with_columns(answers)


def _placed(rule: Rule, answered: pl.DataFrame) -> Rule:
    """A rule that failed, with `holds` as it can be asked of one partition alone."""
    holds = pl.col(rule.answer) if rule.answered_in_polars else rule.holds
    if not rule.answered_in_polars and rule.check not in STRUCTURAL:  # of a shape there is nothing to fill in
        holds = holds.fill_null(False)
    # If polars finds no row to blame, every row is: what was found wanting is never passed.
    blameless = answered.filter(~holds).is_empty()
    return replace(rule, holds=pl.lit(False) if blameless else holds)


def _results(
    table: Table, label: str, part: pl.DataFrame, asked: list[Rule], faults: list[Rule]
) -> Iterator[CheckResult]:
    held = part.select(r.holds.all().alias(str(i)) for i, r in enumerate(faults)).row(0) if faults else ()
    here = [r for r, all_held in zip(faults, held, strict=True) if not all_held]
    for check, severity in {r.check: r.severity for r in asked}.items():
        broken = [r for r in here if r.check == check]
        if check == "not_empty" and part.is_empty():
            broken = [r for r in asked if r.check == check]
        if not broken:
            yield CheckResult(table.name, label, check, severity, True, 0, "")
            continue
        failing = part.filter(pl.any_horizontal(~r.holds for r in broken)).height
        reasons = (explain(table, r, part.filter(~r.holds), part) for r in broken)
        yield CheckResult(table.name, label, check, severity, False, failing, f"{table.full_name}: {' '.join(reasons)}")


def _verdicts(table: Table, answered: pl.DataFrame, asked: list[Rule]) -> list[bool]:
    deciding = witnesses(table, answered, asked)
    batch = _batch_definition().get_batch({"dataframe": _in_pandas(deciding)})
    outcome = batch.validate(_suite(table, asked), result_format="BOOLEAN_ONLY")
    said: dict[int, list[bool]] = {index: [] for index in range(len(asked))}
    for result in outcome.results:
        if result.expectation_config and result.expectation_config.meta:
            said[result.expectation_config.meta["rule"]].append(bool(result.success))
    # A rule that nothing was said of does not hold.
    return [bool(verdicts) and all(verdicts) for verdicts in said.values()]


def _in_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """Great Expectations hashes every value of a batch, twice: as codes and numbers, words and days hash far faster."""
    days = frame.with_columns(cs.date().cast(pl.Datetime("ns")))
    words = days.select(cs.string().cast(pl.Categorical))
    numbers = days.select(cs.exclude(cs.string())).to_pandas(use_pyarrow_extension_array=True)
    return pd.concat([numbers, words.to_pandas()], axis=1)[frame.columns]


@cache
def _batch_definition() -> BatchDefinition[None]:
    # In memory, and silent: no folder for a docs site, no progress bars, no word to anyone.
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    source = gx.get_context(mode="ephemeral", project_config=config).data_sources.add_pandas("staged")
    return source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")


def _suite(table: Table, asked: Sequence[Rule]) -> gx.ExpectationSuite:
    answers = [r.answer for r in asked if r.answered_in_polars]
    types = {str(k): str(t) for k, t in _in_pandas(table.empty()).dtypes.items()}
    expectations = [
        ExpectationConfiguration(
            type=kind,
            kwargs=wanted,
            meta={"rule": index, "check": rule.check, "reason": rule.reason},
            severity=FailureSeverity.CRITICAL if rule.severity == "FAIL" else FailureSeverity.WARNING,
        )
        for index, rule in enumerate(asked)
        for kind, wanted in _expectations(table, rule, answers, types)
    ]
    return gx.ExpectationSuite(name=table.full_name, expectations=expectations)


def _expectations(table: Table, rule: Rule, answers: list[str], types: dict[str, str]) -> Iterator[Wanted]:
    """A rule in the names of Great Expectations: a range takes two, everything else one."""
    subject = rule.columns[0] if rule.columns else ""
    match rule.check:
        case "columns":
            yield "expect_table_columns_to_match_ordered_list", {"column_list": [*rule.columns, *answers]}
        case "types":
            yield "expect_column_type_to_be", {"column": subject, "type_": types[subject]}
        case "not_empty":
            yield "expect_table_row_count_to_be_between", {"min_value": 1}
        case "not_null":
            yield "expect_column_values_to_not_be_null", {"column": subject}
        case "in_range":
            yield from _extremes(table.column(subject))
        case "allowed_values":
            allowed = list(table.column(subject).allowed or ())
            yield "expect_column_values_to_be_in_set", {"column": subject, "value_set": allowed}
        case "reads_like":
            yield "expect_column_values_to_match_regex", {"column": subject, "regex": _whole(table.column(subject))}
        case "grain_is_unique" if len(row_key(table)) == 1:
            yield "expect_column_values_to_be_unique", {"column": row_key(table)[0]}
        case "grain_is_unique":
            yield "expect_compound_columns_to_be_unique", {"column_list": list(row_key(table))}
        case _:
            yield "expect_column_values_to_be_in_set", {"column": rule.answer, "value_set": [True]}


def _whole(column: Column) -> str:
    return f"^(?:{column.pattern})$"


def _extremes(column: Column) -> Iterator[Wanted]:
    # The smallest and the largest say what every value would, a hundred times faster.
    if column.minimum is not None:
        yield "expect_column_min_to_be_between", {"column": column.name, "min_value": column.minimum}
    if column.maximum is not None:
        yield "expect_column_max_to_be_between", {"column": column.name, "max_value": column.maximum}
