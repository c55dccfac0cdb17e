"""The gate: every staged partition before its suite; what fails is held back, and so is what was built on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from expectations.contract import Table
from expectations.counts import Count, count
from expectations.tables import load, table
from transforms.tables import checks
from warehouse.pieces import pieces
from warehouse.plan import Plan
from warehouse.progress import Progress
from warehouse.store import Key, Stage, label

if TYPE_CHECKING:
    from expectations.gx import CheckResult

CHECKS = table("checks")
Held = tuple[str, str, str]


def check_staged(stage: Stage, plan: Plan, progress: Progress) -> tuple[list[CheckResult], list[Held]]:
    """Validates all that is staged, records the results, quarantines what failed. Returns results and what is held."""
    staged = _staged(stage)
    results = _results(stage, staged, plan.last_hour, progress)
    failed: dict[tuple[str, str], str] = {}
    for result in results:
        if not result.passed and result.severity == "FAIL":
            failed.setdefault((result.table_name, result.partition), result.reason)
    held = _hold(stage, staged, failed)
    record(stage, plan, results)
    stage.mark("checked")
    return results, held


def _expected(contract: Table, rows: pl.DataFrame, last_hour: datetime, *, newest: bool) -> datetime | None:
    """The hour that freshness is asked of; of a piece that newer ones follow, what it has is all that is due."""
    if contract.fresh_within_hours is None or contract.time_column is None:
        return None
    has = rows[contract.time_column].max()
    return last_hour if newest or not isinstance(has, datetime) else min(last_hour, has)


def validated(stage: Stage, progress: Progress) -> list[CheckResult]:
    """Validates all that is staged and holds nothing back: whoever asks publishes all of it, or nothing."""
    return _results(stage, _staged(stage), None, progress)


def _staged(stage: Stage) -> dict[str, list[Key]]:
    staged: dict[str, list[Key]] = {}
    for contract, key in stage.staged():
        staged.setdefault(contract.name, []).append(key)
    return staged


def _results(
    stage: Stage, staged: dict[str, list[Key]], last_hour: datetime | None, progress: Progress
) -> list[CheckResult]:
    """Count table by table, then decide over all counts at once."""
    from expectations.gx import decide  # seconds to import: only where it is used

    progress.stage("check", len(staged), "tables")
    counts: list[Count] = []
    for name, keys in staged.items():
        counts += _counts(stage, table(name), keys, last_hour)
        progress.step(name)
    return decide(counts)


def _counts(stage: Stage, contract: Table, keys: list[Key], last_hour: datetime | None) -> Iterator[Count]:
    """Count one table's partitions piece by piece, so that memory stays flat however much is staged."""
    for piece, newest in pieces(stage, contract, keys):
        rows, labels = stage.store.read(contract, piece), [label(contract, key) for key in piece]
        expected = _expected(contract, rows, last_hour, newest=newest) if last_hour else None
        yield from count(contract, rows, expected_time=expected, partitions=labels)


def warnings_of(results: Iterable[CheckResult]) -> tuple[str, ...]:
    """What each check warns of: its first reason, and of how many partitions it is true."""
    by_check: dict[tuple[str, str], list[str]] = {}
    for result in (r for r in results if not r.passed and r.severity == "WARN"):
        by_check.setdefault((result.table_name, result.check_name), []).append(result.reason)
    return tuple(f"{of[0]} So in {len(of)} partitions." if len(of) > 1 else of[0] for of in by_check.values())


def held_back(stage: Stage, plan: Plan) -> list[Held]:
    """What the check of `plan` held back itself, as it was recorded: for a later task."""
    recorded = stage.store.read(CHECKS, [{"date": plan.last_hour.date()}])
    failed = recorded.filter(
        (pl.col("hour_utc") == plan.last_hour) & ~pl.col("passed") & (pl.col("severity") == "FAIL")
    )
    return [
        (table(name).full_name, at, why) for name, at, why in failed.select("table_name", "partition", "reason").rows()
    ]


def _hold(stage: Stage, staged: dict[str, list[Key]], failed: dict[tuple[str, str], str]) -> list[Held]:
    """Quarantines failed partitions, their siblings of one build, and all that was built on them."""
    held: list[Held] = []
    reasons: dict[str, list[tuple[Key, str]]] = {}
    for contract in _in_order(staged):
        for key in staged[contract.name]:
            why = failed.get((contract.name, label(contract, key))) or _inherited(contract, key, reasons, failed)
            if why:
                stage.quarantine(contract, key, why)
                reasons.setdefault(contract.name, []).append((key, why))
                held.append((contract.full_name, label(contract, key), why))
    return held


def _in_order(staged: dict[str, list[Key]]) -> list[Table]:
    """Inputs before what is built on them."""
    order: list[str] = []

    def visit(name: str) -> None:
        for upstream in table(name).inputs:
            visit(upstream)
        if name not in order:
            order.append(name)

    for name in load():
        visit(name)
    return [table(name) for name in order if name in staged]


def _inherited(
    contract: Table,
    key: Key,
    held: dict[str, list[tuple[Key, str]]],
    failed: dict[tuple[str, str], str],
) -> str | None:
    for name in contract.inputs:
        for other, _ in held.get(name, []):
            if _touches(other, key):
                return f"built on {table(name).full_name} {label(table(name), other)}, which is held back"
    for sibling in _siblings(contract):
        if sibling.partition == contract.partition and (sibling.name, label(sibling, key)) in failed:
            return f"built together with {sibling.full_name}, which is held back"
    return None


def _touches(upstream: Key, key: Key) -> bool:
    """Whether what was made of `upstream` may stand in `key`: the same coin and venue, no earlier day."""
    same = all(upstream[c] == key[c] for c in ("coin", "exchange") if c in upstream and c in key)
    return same and not ("date" in upstream and "date" in key and str(key["date"]) < str(upstream["date"]))


def _siblings(contract: Table) -> Iterable[Table]:
    maker = contract.built_with or contract.name
    return [t for t in load().values() if t.name != contract.name and maker in (t.name, t.built_with)]


def record(stage: Stage, plan: Plan, results: Iterable[CheckResult]) -> None:
    """Stages what was found, in the place of what was found of the same partitions for the plan's last hour before."""
    entries = [
        {
            "date": plan.last_hour.date(),
            "hour_utc": plan.last_hour,
            "table_name": r.table_name,
            "partition": r.partition,
            "check_name": r.check_name,
            "severity": r.severity,
            "passed": r.passed,
            "failing_rows": r.failing_rows,
            "reason": r.reason,
        }
        for r in results
    ]
    key = {"date": plan.last_hour.date()}
    made, same = checks.build(entries), ["hour_utc", "table_name", "partition"]
    earlier = stage.store.read(CHECKS, [key]).join(made, on=same, how="anti", nulls_equal=True)
    stage.store.write(CHECKS, pl.concat([earlier, made]), key)
