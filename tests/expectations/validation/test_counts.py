"""Counts of failing rows by rule, independent of row order and of string type."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta

import polars as pl
import pytest

from expectations.contract import Table
from expectations.tables import load, table
from expectations.validation.counts import Count, count
from expectations.validation.messages import by_partition
from expectations.validation.rules import STRUCTURAL, row_key, rules
from tests.expectations.faults import OWN, derived, put
from tests.expectations.sound import HOUR, ONE_HOUR, sound

TABLES = pytest.mark.parametrize("contract", load().values(), ids=lambda t: t.name)
BOOKS = table("position_ledger")
YESTERDAY, TODAY = "coin=BTC/date=2026-01-04", "coin=BTC/date=2026-01-05"


def figures(counts: Sequence[Count]) -> dict[tuple[str, str], tuple[int, int]]:
    return {(c.partition, c.check_name): (c.rows, c.failing_rows) for c in counts}


def failing(counts: Sequence[Count]) -> dict[tuple[str, str], int]:
    return {(c.partition, c.check_name): c.failing_rows for c in counts if c.failing_rows}


def row_by_row(contract: Table, frame: pl.DataFrame) -> dict[tuple[str, str], int]:
    """Count failing rows slowly: sorted by the grain, every rule evaluated on every row."""
    asked = [r for r in rules(contract) if r.check not in STRUCTURAL]
    breaks = {str(i): ~r.holds.fill_null(False) for i, r in enumerate(asked)}
    broken = frame.sort(row_key(contract)).with_columns(e.alias(i) for i, e in breaks.items())
    found = {}
    for label, rows in by_partition(contract, broken).items():
        for check in {r.check for r in asked}:
            of_check = [i for i, r in zip(breaks, asked, strict=True) if r.check == check]
            if bad := rows.filter(pl.any_horizontal(*of_check)).height:
                found[label, check] = bad
    return found


@TABLES
def test_counts_of_faults_equal_a_row_by_row_count(contract: Table) -> None:
    for fault in [*derived(contract), *OWN[contract.name]]:
        frame = fault.breaks(sound(contract.name))
        wanted = row_by_row(contract, frame)
        assert any(check == fault.check for _, check in wanted)
        in_file = frame.sort([*contract.partition, *(contract.file_order or contract.grain)])
        as_codes = frame.cast({pl.String: pl.Categorical})
        for same in (frame, in_file, frame.reverse(), as_codes):
            assert failing(count(contract, same)) == wanted, (fault.check, fault.what)


@TABLES
def test_sound_rows_count_once_in_every_check(contract: Table) -> None:
    counts = count(contract, sound(contract.name))
    assert [c.check_name for c in counts] == list(dict.fromkeys(r.check for r in rules(contract)))
    assert {(c.rows, c.failing_rows, c.reason) for c in counts} == {(sound(contract.name).height, 0, "")}


def two_days() -> pl.DataFrame:
    today = sound("position_ledger")
    back = pl.duration(days=1)
    yesterday = today.with_columns(pl.col("date") - back, hour_utc=pl.col("hour_utc") + pl.duration(hours=21) - back)
    return pl.concat([yesterday, today.with_columns(hour_utc=pl.col("hour_utc") - pl.duration(hours=1))])


def test_day_is_counted_with_the_day_before_as_context() -> None:
    today = pl.col("date") == HOUR.date()
    opens = put(today & (pl.col("hour_utc").dt.hour() == 0), opening_base=11.0, closed_base=2.0)(two_days())
    assert failing(count(BOOKS, opens, partitions=[TODAY])) == {(TODAY, "opening_equals_previous_closing"): 2}
    assert failing(count(BOOKS, opens)) == {(TODAY, "opening_equals_previous_closing"): 2}
    assert failing(count(BOOKS, opens.filter(today))) == {}


def test_faults_of_the_context_are_not_counted() -> None:
    spoiled = put(pl.col("date") < HOUR.date(), mark_price=None)(two_days())
    assert failing(count(BOOKS, spoiled)) == {(YESTERDAY, "not_null"): 4}
    counts = count(BOOKS, spoiled, partitions=[TODAY])
    assert failing(counts) == {}
    assert {(c.partition, c.rows) for c in counts} == {(TODAY, 4)}


def test_named_partition_without_rows_is_empty() -> None:
    counts = count(BOOKS, two_days(), partitions=["coin=ETH/date=2026-01-05"])
    assert failing(counts) == {("coin=ETH/date=2026-01-05", "not_empty"): 1}
    assert {c.rows for c in counts} == {0}
    (empty,) = [c for c in counts if c.failing_rows]
    assert empty.reason == "model.position_ledger.not_empty: A partition must have rows. This one has none."


def test_order_of_days_does_not_matter() -> None:
    late = put(pl.col("hour_utc") == HOUR - ONE_HOUR, opening_base=11.0, closed_base=2.0)(two_days())
    assert figures(count(BOOKS, late.sort("date", descending=True))) == figures(count(BOOKS, late))


def test_frame_in_file_order_is_not_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    books, levels = two_days(), sound("liquidation_levels").reverse()
    monkeypatch.setattr(pl.DataFrame, "sort", lambda *_: pytest.fail("sorted"))
    assert failing(count(BOOKS, books)) == {}
    assert failing(count(table("liquidation_levels"), levels)) == {}


def test_reason_names_the_first_failing_row() -> None:
    bars = put(pl.col("open_utc") >= HOUR + timedelta(minutes=5), low=-1.0)(sound("price_bars"))
    (why,) = [c.reason for c in count(table("price_bars"), bars) if c.check_name == "prices_are_positive"]
    assert why == (
        "core.price_bars.prices_are_positive: Prices must be above zero; zero stands for a missing price. "
        "1 of 2 rows fail, the first: exchange=binance, instrument=BTCUSDT, open_utc=2026-01-05T01:05:00, low=-1."
    )


def test_counting_does_not_import_great_expectations() -> None:
    program = "import sys, expectations.validation.counts; print('great_expectations' in sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert printed == "False\n"
