"""Consistency of contracts: every column is declared once, documented and used; every reference exists."""

from __future__ import annotations

import re
from collections import Counter

import polars as pl
import pytest

from expectations.columns.registry import COLUMNS, SUBJECTS, pick
from expectations.contract import Table
from expectations.tables import load, table
from expectations.validation.rules import rules
from tests.expectations.faults import OWN
from tests.expectations.sound import DAY, HOUR, ONE_HOUR, sound

TABLES = pytest.mark.parametrize("contract", load().values(), ids=lambda t: t.name)
UNITS = {"_usd": "usd", "_base": "coins", "_bp": "bp", "_x": "x", "_ms": "ms", "_utc": "UTC", "_hours": "hours"}


def test_contracts_are_loaded() -> None:
    assert len(load()) == 30
    assert {t.layer for t in load().values()} == {"raw", "core", "model", "mart", "ops"}


def test_every_column_is_declared_once() -> None:
    declared = Counter(c.name for subject in SUBJECTS for c in subject.COLUMNS)
    assert [name for name, count in declared.items() if count > 1] == []
    assert set(declared) == set(COLUMNS)


def test_every_column_is_used_and_documented() -> None:
    used = {c.name for t in load().values() for c in t.columns}
    assert set(COLUMNS) == used
    assert [c.name for c in COLUMNS.values() if not c.doc or c.doc.endswith(".")] == []


def test_column_suffix_matches_its_unit() -> None:
    wrong = [
        (c.name, c.unit) for c in COLUMNS.values() for s, unit in UNITS.items() if c.name.endswith(s) and c.unit != unit
    ]
    assert wrong == []


@TABLES
def test_references_of_a_contract_exist(contract: Table) -> None:
    names = [c.name for c in contract.columns]
    assert [n for n, count in Counter(names).items() if count > 1] == []
    keys = (
        *contract.grain,
        *contract.partition,
        *contract.nullable,
        *([contract.time_column] if contract.time_column else []),
    )
    assert [k for k in keys if k not in names] == []
    assert [k for k in contract.versions_of if k not in contract.grain] == []
    assert contract.built_with is None or contract.built_with in load()
    assert contract.name in type_module(contract)
    assert contract.doc.endswith(".")


@TABLES
def test_inputs_are_unique_existing_tables_and_columns(contract: Table) -> None:
    names = [each.table for each in contract.inputs]
    assert [n for n, count in Counter(names).items() if count > 1 or n not in load()] == []
    unknown = [(i.table, c) for i in contract.inputs for c in i.columns if c not in table(i.table).schema]
    assert unknown == []
    assert contract.built_with is None or contract.inputs == ()


@TABLES
def test_input_windows_are_not_empty(contract: Table) -> None:
    nothing = [i.table for i in contract.inputs if not i.own_day and not i.before]
    assert nothing == []


@TABLES
def test_self_input_reads_earlier_days(contract: Table) -> None:
    """A table that read its own day would always be stale; only versioned tables may, since they append."""
    own = [i for i in contract.inputs if i.table == contract.name]
    assert [i for i in own if i.own_day and not contract.versions_of] == []


def type_module(contract: Table) -> list[str]:
    """Return the names under which a contract is loaded."""
    return [name for name, t in load().items() if t is contract]


@TABLES
def test_keys_are_not_nullable(contract: Table) -> None:
    assert contract.nullable.isdisjoint((*contract.grain, *contract.partition))


@TABLES
def test_file_order_holds_the_grain(contract: Table) -> None:
    assert set(contract.file_order or contract.grain) == set(contract.grain)


@TABLES
def test_checks_of_neighbouring_rows_require_grain_order(contract: Table) -> None:
    """Frames are checked in file order; only the order of the grain puts hours next to each other."""
    looks = [c.name for c in contract.checks if re.search(r"shift|diff|cum_|rolling|rle", str(c.holds))]
    assert contract.file_order is None or looks == []


@TABLES
def test_checks_have_unique_names_and_reasons(contract: Table) -> None:
    derived = {r.check for r in rules(contract, expected_time=HOUR)} - {c.name for c in contract.checks}
    names = [c.name for c in contract.checks]
    assert len(set(names)) == len(names)
    assert derived.isdisjoint(names)
    assert "columns" in derived
    assert [c.name for c in contract.checks if not c.reason.endswith(".")] == []


@TABLES
def test_every_table_has_its_own_checks(contract: Table) -> None:
    assert contract.checks


def test_every_table_has_sound_rows_and_faults() -> None:
    assert set(OWN) == set(load())
    assert all(sound(name).height for name in load())


@TABLES
def test_data_flows_from_raw_to_mart(contract: Table) -> None:
    order = ["raw", "core", "model", "mart"]
    if contract.layer in order:
        later = [i for i in contract.inputs if order.index(table(i.table).layer) > order.index(contract.layer)]
        assert later == []


def test_table_is_found_by_either_name_and_unknown_name_is_refused() -> None:
    assert table("mart.liquidation_curve") is table("liquidation_curve")
    for wrong in ("liquidation_map", "core.liquidation_curve"):
        with pytest.raises(KeyError, match=r"there are: raw\.payloads"):
            table(wrong)


def test_undeclared_column_is_refused() -> None:
    with pytest.raises(KeyError, match="guess"):
        pick("coin", "guess")


def test_conform_fills_nullable_columns_and_refuses_others() -> None:
    contract = table("market_balance")
    frame = sound("market_balance")
    assert contract.conform(frame.drop("imbalance"))["imbalance"].null_count() == frame.height
    assert contract.conform(frame.reverse().select(reversed(frame.columns))).equals(frame)
    with pytest.raises(
        ValueError, match=r"mart\.market_balance: missing columns \['long_usd'\], foreign columns \['guess'\]"
    ):
        contract.conform(frame.drop("long_usd").with_columns(guess=1))
    with pytest.raises(ValueError, match=r"mart\.market_balance"):
        contract.conform(frame.with_columns(long_usd=pl.lit("many")))


def test_conform_sorts_by_file_order() -> None:
    contract = table("liquidation_levels")
    assert contract.order == contract.file_order != contract.grain
    later = sound(contract.name).with_columns(pl.col("hour_utc") + ONE_HOUR)
    frame = pl.concat([sound(contract.name), later])
    conformed = contract.conform(frame.sort(contract.grain))
    assert conformed.equals(frame.select(contract.schema.names()).sort(contract.order))
    assert not conformed.equals(frame.sort(contract.grain))
    assert table("market_balance").order == table("market_balance").grain


def test_shape_keeps_row_order() -> None:
    backwards = sound("market_balance").reverse()
    assert table("market_balance").shape(backwards).equals(backwards)


@pytest.mark.parametrize("name", ["liquidation_levels", "market_summary", "model_parameters"])
def test_daily_table_derives_the_day_of_a_row(name: str) -> None:
    assert table(name).is_daily
    assert sound(name).select(day=table(name).day)["day"].unique().to_list() == [DAY]


@pytest.mark.parametrize("name", ["instruments", "margin_tiers", "watermark"])
def test_appending_tables_are_not_daily(name: str) -> None:
    assert not table(name).is_daily
