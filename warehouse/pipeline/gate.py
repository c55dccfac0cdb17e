"""The gate: staged partitions are checked; failed ones are quarantined, with everything built from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

import polars as pl

from expectations.contract import PERIODS, Table
from expectations.tables import load, table
from expectations.validation.counts import Count, count
from transforms.hourly.hours import DAY, HOUR
from transforms.tables import checks
from warehouse.pipeline.unit import in_order, maker, products
from warehouse.progress import Progress
from warehouse.storage.layout import Key, label
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

if TYPE_CHECKING:
    from expectations.validation.gx import CheckResult

CHECKS = table("checks")
Held = tuple[str, str, str]
"""Table, partition and reason of a quarantined partition."""

_AT_ONCE = 1 << 24
"""Bytes of files that are checked together: about a million rows of the map."""

_NEVER = datetime(9999, 1, 1)


def check(stage: Stage, last_hour: datetime | None, progress: Progress) -> list[CheckResult]:
    """Check every staged partition against its contract and return the result of each check.

    polars counts the rows that break each rule; Great Expectations decides on all counts of the run at once.
    last_hour: the hour that fresh tables must reach; None skips the freshness checks.
    """
    from expectations.validation.gx import decide  # takes seconds to import

    staged = by_table(stage)
    progress.stage("check", len(staged) + 1, "tables")
    counts: list[Count] = []
    for name, keys in staged.items():
        counts += count_failing_rows(stage.store, table(name), keys, last_hour)
        progress.step(name)
    results = decide(counts)
    progress.step("Great Expectations")
    return results


def hold_back(stage: Stage, results: Iterable[CheckResult]) -> list[Held]:
    """Quarantine failed partitions, the tables built together with them, and everything built from them."""
    failed: dict[tuple[str, str], str] = {}
    for result in results:
        if not result.passed and result.severity == "FAIL":
            failed.setdefault((result.table_name, result.partition), result.reason)
    return _hold(stage, by_table(stage), failed)


def count_failing_rows(store: Store, of: Table, keys: Sequence[Key], last_hour: datetime | None) -> Iterator[Count]:
    """Count the rows that break each rule, in batches of partitions so that memory stays flat."""
    for batch, newest in _batches(store, of, keys):
        before = _days_before(batch) if of.checks_look_back else []
        expected = min(last_hour, newest) if last_hour and newest else None
        labels = [label(of, key) for key in batch]
        yield from count(of, store.read(of, [*before, *batch]), expected_time=expected, partitions=labels)


def _days_before(batch: Sequence[Key]) -> list[Key]:
    """Return the partitions of the previous days of a batch, except partitions in the batch itself."""
    included = {(key["coin"], key["date"]) for key in batch}
    days = [{**key, "date": date.fromisoformat(str(key["date"])) - DAY} for key in batch]
    return [key for key in days if (key["coin"], key["date"]) not in included]


def _batches(store: Store, of: Table, keys: Sequence[Key]) -> Iterator[tuple[list[Key], datetime | None]]:
    """Yield `keys` (in order) in batches of at most _AT_ONCE bytes, each with the last hour due in it.

    Freshness concerns the newest rows of each coin, so a batch holds the newest partitions of coins that end on the
    same hour; older partitions of a coin come without a due hour.
    """
    together: list[Key] = []
    due, room = _NEVER, _AT_ONCE
    for _, same in groupby(keys, key=lambda key: [value for column, value in key.items() if column not in PERIODS]):
        *older, (newest, size) = _parts(store, of, list(same))
        if together and (older or size > room or _last_hour(newest[-1]) != due):
            yield together, due
            together, room = [], _AT_ONCE
        yield from ((part, None) for part, _ in older)
        together, room, due = together + newest, room - size, _last_hour(newest[-1])
    if together:
        yield together, due


def _last_hour(key: Key) -> datetime:
    """Return the last hour of a partition's day or month, or _NEVER for a table partitioned by neither."""
    if "month" in key:
        return (datetime.fromisoformat(f"{key['month']}-01") + timedelta(days=32)).replace(day=1) - HOUR
    return datetime.fromisoformat(f"{key['date']}T23:00") if "date" in key else _NEVER


def _parts(store: Store, of: Table, keys: list[Key]) -> list[tuple[list[Key], int]]:
    """Split one coin's partitions into parts of at most _AT_ONCE bytes (at least one file), with their sizes."""
    parts: list[tuple[list[Key], int]] = []
    for key in keys:
        path = store.find(of, key)
        size = path.stat().st_size if path else 0
        if parts and parts[-1][1] + size <= _AT_ONCE:
            parts[-1] = [*parts[-1][0], key], parts[-1][1] + size
        else:
            parts.append(([key], size))
    return parts


def by_table(stage: Stage) -> dict[str, list[Key]]:
    """Return the staged partitions of each table."""
    staged: dict[str, list[Key]] = {}
    for contract, key in stage.staged():
        staged.setdefault(contract.name, []).append(key)
    return staged


def warnings_of(results: Iterable[CheckResult]) -> tuple[str, ...]:
    """Return one warning per check: its first reason, and the number of partitions."""
    by_check: dict[tuple[str, str], list[str]] = {}
    for result in (r for r in results if not r.passed and r.severity == "WARN"):
        by_check.setdefault((result.table_name, result.check_name), []).append(result.reason)
    return tuple(f"{of[0]} The same in {len(of)} partitions." if len(of) > 1 else of[0] for of in by_check.values())


def _hold(stage: Stage, staged: dict[str, list[Key]], failed: dict[tuple[str, str], str]) -> list[Held]:
    """Quarantine failed partitions, the tables built together with them, and everything built from them."""
    quarantined: list[Held] = []
    reasons: dict[str, list[tuple[Key, str]]] = {}
    for contract in _in_order(staged):
        for key in staged[contract.name]:
            why = failed.get((contract.name, label(contract, key))) or _inherited(contract, key, reasons, failed)
            if why:
                stage.quarantine(contract, key, why)
                reasons.setdefault(contract.name, []).append((key, why))
                quarantined.append((contract.full_name, label(contract, key), why))
    return quarantined


def _in_order(staged: dict[str, list[Key]]) -> list[Table]:
    """Return the tables of `staged` with inputs before their dependents."""
    built = [each for of in in_order() for each in products(of)]
    names = {each.name for each in built}
    return [each for each in (*(t for t in load().values() if t.name not in names), *built) if each.name in staged]


def _inherited(
    contract: Table,
    key: Key,
    quarantined: dict[str, list[tuple[Key, str]]],
    failed: dict[tuple[str, str], str],
) -> str | None:
    for name in (each.table for each in maker(contract).inputs):
        for other, _ in quarantined.get(name, []):
            if _may_depend_on(other, key):
                return f"built from {table(name).full_name} {label(table(name), other)}, which is quarantined"
    for sibling in products(maker(contract)):
        if sibling.partition == contract.partition and (sibling.name, label(sibling, key)) in failed:
            return f"built together with {sibling.full_name}, which is quarantined"
    return None


def _may_depend_on(upstream: Key, key: Key) -> bool:
    """Return whether `key` may be built from `upstream`: same coin and exchange, same day or later."""
    same = all(upstream[c] == key[c] for c in ("coin", "exchange") if c in upstream and c in key)
    return same and not ("date" in upstream and "date" in key and str(key["date"]) < str(upstream["date"]))


def record(stage: Stage, last_hour: datetime, results: Iterable[CheckResult]) -> None:
    """Stage the check results; they replace earlier results of the same partitions and hour."""
    entries = [
        {
            "date": last_hour.date(),
            "hour_utc": last_hour,
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
    key = {"date": last_hour.date()}
    new, same = checks.build(entries), ["hour_utc", "table_name", "partition"]
    earlier = stage.store.read(CHECKS, [key]).join(new, on=same, how="anti", nulls_equal=True)
    stage.store.write(CHECKS, pl.concat([earlier, new]), key)
