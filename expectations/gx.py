"""The gate: Great Expectations decides over counts of failing rows, once a run.

Polars counts the rows that break each rule (`expectations.counts`); here one frame of those counts is validated, and
what Great Expectations does not confirm does not pass.
Importing this module takes seconds, so callers import it where they decide. Set GX_ANALYTICS_ENABLED=false in the
environment before that: this module turns analytics off in its context, and may not touch the environment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import great_expectations as gx
import pandas as pd
import polars as pl
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import Column

from expectations.contract import Severity, Table
from expectations.counts import Count, count
from expectations.dictionary import checks_of

_SEVERITIES: dict[Severity, FailureSeverity] = {"FAIL": FailureSeverity.CRITICAL, "WARN": FailureSeverity.WARNING}


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check of one partition: a row of `ops.checks`.

    `partition` is as in the path, "" for a table in one file.
    """

    table_name: str
    partition: str
    check_name: str
    severity: Severity
    passed: bool
    failing_rows: int
    reason: str


def validate(
    table: Table, frame: pl.DataFrame, *, expected_time: datetime | None = None, partitions: Sequence[str] = ()
) -> list[CheckResult]:
    """Count and decide the checks of one frame; a run counts all its frames and decides once."""
    return decide(count(table, frame, expected_time=expected_time, partitions=partitions))


def decide(counts: Sequence[Count]) -> list[CheckResult]:
    """Return the outcome of each count, in order: passed where Great Expectations finds no failing row."""
    confirmed = _confirmed(counts) if counts else set()
    return [_result(one, number in confirmed) for number, one in enumerate(counts)]


def _result(one: Count, passed: bool) -> CheckResult:
    unsaid = f"{one.table_name}.{one.check_name}: Great Expectations did not confirm that it holds."
    failing, reason = (0, "") if passed else (one.failing_rows, one.reason or unsaid)
    return CheckResult(one.table_name, one.partition, one.check_name, one.severity, passed, failing, reason)


def _confirmed(counts: Sequence[Count]) -> set[int]:
    """Return the positions of the counts that Great Expectations looked at and found to be zero."""
    frame = pd.DataFrame(
        {
            "number": range(len(counts)),
            "severity": [c.severity for c in counts],
            "failing_rows": [c.failing_rows for c in counts],
        }
    )
    batch = _batch_definition().get_batch({"dataframe": frame})
    asked = {"result_format": "COMPLETE", "unexpected_index_column_names": ["number"]}
    confirmed: set[int] = set()
    for outcome in batch.validate(gate(), result_format=asked).results:
        about = outcome.expectation_config.meta if outcome.expectation_config else None
        of_severity = {number for number, one in enumerate(counts) if about and one.severity == about["severity"]}
        said = outcome.result
        if said.get("element_count") == len(of_severity) and said.get("missing_count") == 0:
            confirmed |= of_severity - {row["number"] for row in said["unexpected_index_list"] or ()}
    return confirmed


def gate() -> gx.ExpectationSuite:
    """Return the suite of a run: an expectation for each severity."""
    expectations = [
        ExpectColumnValuesToBeInSet(
            column="failing_rows",
            value_set=[0],
            row_condition=Column("severity") == severity,
            severity=named,
            meta={"severity": severity},
        )
        for severity, named in _SEVERITIES.items()
    ]
    return gx.ExpectationSuite(name="gate", expectations=expectations)


def suite(table: Table) -> gx.ExpectationSuite:
    """Return a contract's suite: a named expectation a check, over a column of that name with a count a partition."""
    expectations = [
        ExpectColumnValuesToBeInSet(
            column=check,
            value_set=[0],
            severity=_SEVERITIES[severity],
            notes=reason,
            meta={"check": check, "reason": reason},
        )
        for check, severity, reason in checks_of(table)
    ]
    return gx.ExpectationSuite(name=table.full_name, expectations=expectations)


@cache
def _batch_definition() -> BatchDefinition[None]:
    # In memory, and silent: no folder for a docs site, no progress bars, no word to anyone.
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    source = gx.get_context(mode="ephemeral", project_config=config).data_sources.add_pandas("run")
    return source.add_dataframe_asset("counts").add_batch_definition_whole_dataframe("all")
