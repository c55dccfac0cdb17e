"""The summary of a run on the terminal: requests, checks, published partitions and gaps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from warehouse.cli.output import printer, table

if TYPE_CHECKING:
    from warehouse.pipeline.run_log import RunSummary

_OK, _FAILED, _PARTIAL = 0, 1, 3
_ANSWERED = frozenset({"ok", "not_found", "not_yet"})
_STATUS_TEXT = {
    "published": "Published",
    "partial": "Partly published",
    "failed": "Failed: nothing passed its checks",
    "nothing_new": "Nothing new: these hours are published already",
}


def exit_code(summary: RunSummary) -> int:
    """Return the exit code: 0, 1 or 3.

    0: success. 1: something was quarantined or no exchange answered. 3: an exchange was down, the rest is published.
    """
    if summary.quarantined or summary.status == "failed":
        return _FAILED
    down = [name for name, outcomes in summary.fetched.items() if outcomes.keys() - _ANSWERED]
    silent = [name for name in down if not summary.fetched[name].get("ok")]
    if silent and len(silent) == len(summary.fetched):
        return _FAILED
    return _PARTIAL if down else _OK


def show(summary: RunSummary) -> None:
    """Print the summary and its gaps."""
    for line in lines(summary):
        print(line)
    gaps = gaps_table(summary.gaps)
    if gaps.height:
        printer().print(table(gaps, "Gaps: hours without reported data (ops.gaps)"))


def lines(summary: RunSummary) -> Iterator[str]:
    """Yield the lines of the summary."""
    hours = f"{summary.first_hour:%Y-%m-%d %H:%M} to {summary.last_hour:%Y-%m-%d %H:%M} UTC"
    code = exit_code(summary)
    status = "No exchange answered" if code == _FAILED and not summary.quarantined else _STATUS_TEXT[summary.status]
    status += "; an exchange did not answer every request" if code == _PARTIAL else ""
    yield f"{status}; {', '.join(summary.coins)}; {hours}; {summary.source} data"
    for exchange, outcomes in summary.fetched.items():
        counts = ", ".join(
            f"{count} {outcome}" for outcome, count in sorted(outcomes.items(), key=lambda o: (o[0] != "ok", o[0]))
        )
        yield f"  fetched    {exchange}: {counts or 'nothing to request'}"
    found = f"{len(summary.warnings)} warnings, {len(summary.quarantined)} quarantined"
    yield f"  checked    {summary.checks} checks, {found}"
    yield from (f"  warning    {warning}" for warning in summary.warnings)
    yield f"  published  {summary.published} partitions in {summary.catalog.parent}"
    if summary.reports:
        yield f"  reports    {len(summary.reports)} pages in {summary.reports[0].parent}"
    yield from (f"  no report  {why}" for why in summary.failed_reports)
    yield from (f"  quarantine {name} {partition}: {reason}" for name, partition, reason in summary.quarantined)


def gaps_table(gaps: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each exchange, coin, series and state: number of hours, first and last hour, latest reason."""
    return (
        gaps.group_by("exchange", "coin", "series", "state")
        .agg(
            pl.col("hour_utc").n_unique().alias("hours"),
            pl.col("hour_utc").min().alias("first_utc"),
            pl.col("hour_utc").max().alias("last_utc"),
            pl.col("reason").sort_by("hour_utc").last().alias("reason"),
        )
        .sort("exchange", "coin", "series", "state")
    )
