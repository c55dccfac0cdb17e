"""What a run came to, for a person: fetched, checked, published, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import polars as pl

from warehouse.cli.output import printer, table

if TYPE_CHECKING:
    from warehouse.pipeline.run_log import RunSummary

_OK, _FAILED, _PARTIAL = 0, 1, 3
_ANSWERED = frozenset({"ok", "not_found", "not_yet"})
_SAID = {
    "published": "Published",
    "partial": "Published in part",
    "failed": "Failed: nothing passed its checks",
    "nothing_new": "Nothing new: what was asked for is published already",
}


def exit_code(summary: RunSummary) -> int:
    """0 all well; 1 something was quarantined or no exchange answered; 3 an exchange was down and the rest is published."""
    if summary.quarantined or summary.status == "failed":
        return _FAILED
    down = [name for name, outcomes in summary.fetched.items() if outcomes.keys() - _ANSWERED]
    silent = [name for name in down if not summary.fetched[name].get("ok")]
    if silent and len(silent) == len(summary.fetched):
        return _FAILED
    return _PARTIAL if down else _OK


def show(summary: RunSummary) -> None:
    """Prints it."""
    for line in lines(summary):
        print(line)
    gaps = gaps_table(summary.gaps)
    if gaps.height:
        printer().print(table(gaps, "What is not there as reported (ops.gaps)"))


def lines(summary: RunSummary) -> Iterator[str]:
    """A line for each thing that was done."""
    hours = f"{summary.first_hour:%Y-%m-%d %H:%M} to {summary.last_hour:%Y-%m-%d %H:%M} UTC"
    code = exit_code(summary)
    said = "No exchange answered" if code == _FAILED and not summary.quarantined else _SAID[summary.status]
    said += "; an exchange did not answer in full" if code == _PARTIAL else ""
    yield f"{said}; {', '.join(summary.coins)}; {hours}; {summary.source} data"
    for exchange, outcomes in summary.fetched.items():
        told = ", ".join(
            f"{count} {outcome}" for outcome, count in sorted(outcomes.items(), key=lambda o: (o[0] != "ok", o[0]))
        )
        yield f"  fetched    {exchange}: {told or 'nothing to ask'}"
    found = f"{len(summary.warnings)} warnings, {len(summary.quarantined)} quarantined"
    yield f"  checked    {summary.checks} checks, {found}"
    yield from (f"  warning    {warning}" for warning in summary.warnings)
    yield f"  published  {summary.published} partitions in {summary.catalog.parent}"
    if summary.reports:
        yield f"  reports    {len(summary.reports)} pages in {summary.reports[0].parent}"
    yield from (f"  no report  {why}" for why in summary.not_drawn)
    yield from (f"  quarantine {name} {partition}: {reason}" for name, partition, reason in summary.quarantined)


def gaps_table(gaps: pl.DataFrame) -> pl.DataFrame:
    """Gaps of an exchange, coin and series as one row each: how many hours, from when to when, why."""
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
