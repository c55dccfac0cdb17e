"""The gate: Great Expectations decides on counts of failing rows, once a run, and renders Data Docs from them.

Polars counts the failing rows of each rule (`counts.py`); this module validates one frame of those counts.
A check passes only if Great Expectations confirms its count of zero.
Importing this module takes seconds, so callers import it only when they need it. Set GX_ANALYTICS_ENABLED=false in the
environment first: this module disables analytics in its context, but does not change the environment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape

import great_expectations as gx
import pandas as pd
import polars as pl
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.expectations.core.expect_column_sum_to_be_between import ExpectColumnSumToBeBetween
from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.row_conditions import Column
from great_expectations.render.components import (
    RenderedDocumentContent,
    RenderedSectionContent,
    RenderedStringTemplateContent,
    RenderedTableContent,
)
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaPageView

from expectations.contract import Severity, Table
from expectations.dictionary import checks_of
from expectations.tables import table as table_of
from expectations.validation.counts import Count, count
from expectations.validation.offline import offline

_SEVERITIES: dict[Severity, FailureSeverity] = {"FAIL": FailureSeverity.CRITICAL, "WARN": FailureSeverity.WARNING}
_MOST_PARTITIONS = 20  # partitions shown per check


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check on one partition: a row of `ops.checks`.

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
    """Count and decide the checks of one frame. A run instead counts all its frames and decides once."""
    return decide(count(table, frame, expected_time=expected_time, partitions=partitions))


def decide(counts: Sequence[Count]) -> list[CheckResult]:
    """Return the outcome of each count, in order: passed if Great Expectations finds no failing row."""
    confirmed = _confirm(counts) if counts else set()
    return [_check_result(one, number in confirmed) for number, one in enumerate(counts)]


def _check_result(one: Count, passed: bool) -> CheckResult:
    unconfirmed = f"{one.table_name}.{one.check_name}: Great Expectations did not confirm that it holds."
    failing, reason = (0, "") if passed else (one.failing_rows, one.reason or unconfirmed)
    return CheckResult(one.table_name, one.partition, one.check_name, one.severity, passed, failing, reason)


def _confirm(counts: Sequence[Count]) -> set[int]:
    """Return the positions of the counts that Great Expectations evaluated and found to be zero."""
    frame = pd.DataFrame(
        {
            "number": range(len(counts)),
            "severity": [c.severity for c in counts],
            "failing_rows": [c.failing_rows for c in counts],
        }
    )
    batch = _batch_definition().get_batch({"dataframe": frame})
    result_format = {"result_format": "COMPLETE", "unexpected_index_column_names": ["number"]}
    confirmed: set[int] = set()
    for outcome in batch.validate(gate(), result_format=result_format).results:
        meta = outcome.expectation_config.meta if outcome.expectation_config else None
        of_severity = {number for number, one in enumerate(counts) if meta and one.severity == meta["severity"]}
        result = outcome.result  # empty if the expectation raised
        failing = {row["number"] for row in result.get("unexpected_index_list") or ()}
        is_evaluated = result.get("element_count") == len(of_severity) and result.get("missing_count") == 0
        if is_evaluated and result["unexpected_count"] == len(failing):
            confirmed |= of_severity - failing
    return confirmed


def gate() -> gx.ExpectationSuite:
    """Return the suite of a run: one expectation per severity."""
    expectations = [
        ExpectColumnValuesToBeInSet(
            column="failing_rows",
            value_set=[0],
            row_condition=Column("severity") == severity,
            severity=gx_severity,
            meta={"severity": severity},
        )
        for severity, gx_severity in _SEVERITIES.items()
    ]
    return gx.ExpectationSuite(name="gate", expectations=expectations)


def suite(table: Table) -> gx.ExpectationSuite:
    """Return a contract's suite: one expectation per check, over a column of its name with one count per partition."""
    expectations = [
        ExpectColumnSumToBeBetween(
            column=check,
            min_value=0,
            max_value=0,
            severity=_SEVERITIES[severity],
            description=escape(f"{severity}: {reason}").replace("$", "$$"),
            notes=reason,
            meta={"check": check, "reason": reason},
        )
        for check, severity, reason in checks_of(table)
    ]
    return gx.ExpectationSuite(name=table.full_name, expectations=expectations)


def docs(counts: Sequence[Count]) -> dict[str, str]:
    """Return Data Docs by file name: an index, and one page per table with its suite and counts."""
    by_table: dict[str, list[Count]] = {}
    for one in counts:
        by_table.setdefault(one.table_name, []).append(one)
    pages = {f"{table_of(name).full_name}.html": _render_page(table_of(name), mine) for name, mine in by_table.items()}
    return {"index.html": _render_index(by_table), **pages}


def document(table: Table, counts: Sequence[Count]) -> ExpectationSuiteValidationResult:
    """Return the validation result of a table's suite, as its page shows it."""
    wide: dict[str, dict[str, int]] = {}
    for one in counts:
        wide.setdefault(one.partition, {})[one.check_name] = one.failing_rows
    frame = pd.DataFrame(list(wide.values()))
    expected = suite(table)
    expected.expectations = [e for e in expected.expectations if e.meta and e.meta["check"] in frame.columns]
    return _batch_definition().get_batch({"dataframe": frame}).validate(expected, result_format="BASIC")


def _render_page(table: Table, counts: Sequence[Count]) -> str:
    page = ValidationResultsPageRenderer(run_info_at_end=True).render(document(table, counts))
    page.page_title = table.full_name
    page.sections = [section for section in page.sections if section.section_name != "Run Info"]
    for section in page.sections:
        failing = [c for c in counts if c.check_name == section.section_name and c.failing_rows]
        shown = sorted(failing, key=lambda c: -c.failing_rows)[:_MOST_PARTITIONS]
        if shown:
            rows = [[escape(c.partition), f"{c.failing_rows:,}", f"{c.rows:,}", escape(c.reason)] for c in shown]
            title = f"Failing partitions: {len(failing)}" + (
                f", the {_MOST_PARTITIONS} with the most failing rows" if len(failing) > _MOST_PARTITIONS else ""
            )
            section.content_blocks.append(_block(title, ("Partition", "Failing rows", "Rows", "Reason"), rows))
    rows_of = {c.partition: c.rows for c in counts}
    facts = [["Table", escape(table.doc)], ["Partitions", f"{len(rows_of):,}"], ["Rows", f"{sum(rows_of.values()):,}"]]
    page.sections[0].content_blocks.append(_block("Checked", (), facts))
    return offline(DefaultJinjaPageView().render(page))


def _render_index(by_table: Mapping[str, Sequence[Count]]) -> str:
    rows = []
    for name, counts in by_table.items():
        full = table_of(name).full_name
        styling = {"params": {"name": {"tag": "a", "attributes": {"href": f"{full}.html"}}}}
        linked = {"template": "$name", "params": {"name": full}, "styling": styling}
        partitions = {c.partition: c.rows for c in counts}
        failing = [sum(c.failing_rows > 0 for c in counts if c.severity == severity) for severity in _SEVERITIES]
        figures = (len(partitions), sum(partitions.values()), len(counts), *failing)
        rows.append([RenderedStringTemplateContent(string_template=linked), *(f"{n:,}" for n in figures)])
    header = ("Table", "Partitions", "Rows", "Checks", "FAIL", "WARN")
    section = RenderedSectionContent([_block("Checks of the tables", header, rows)], "Tables")
    page = RenderedDocumentContent([section], renderer_type="SiteIndexPageRenderer", page_title="Checks")
    return offline(DefaultJinjaPageView().render(page))


def _block(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> RenderedTableContent:
    return RenderedTableContent([list(row) for row in rows], header=title, header_row=list(header))


@cache
def _batch_definition() -> BatchDefinition[None]:
    # In memory and silent: no folder for a docs site, no progress bars, no analytics.
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    source = gx.get_context(mode="ephemeral", project_config=config).data_sources.add_pandas("run")
    return source.add_dataframe_asset("counts").add_batch_definition_whole_dataframe("all")
