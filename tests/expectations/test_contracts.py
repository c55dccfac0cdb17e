"""Contracts hold together: every column is declared once, documented and used; what they name exists."""

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


def test_there_are_contracts() -> None:
    assert len(load()) == 30
    assert {t.layer for t in load().values()} == {"raw", "core", "model", "mart", "ops"}


def test_every_column_is_declared_once() -> None:
    declared = Counter(c.name for subject in SUBJECTS for c in subject.COLUMNS)
    assert [name for name, count in declared.items() if count > 1] == []
    assert set(declared) == set(COLUMNS)


def test_every_column_is_used_and_says_what_it_is() -> None:
    used = {c.name for t in load().values() for c in t.columns}
    assert set(COLUMNS) == used
    assert [c.name for c in COLUMNS.values() if not c.doc or c.doc.endswith(".")] == []


def test_a_columns_unit_is_in_its_name() -> None:
    wrong = [
        (c.name, c.unit) for c in COLUMNS.values() for s, unit in UNITS.items() if c.name.endswith(s) and c.unit != unit
    ]
    assert wrong == []


@TABLES
def test_what_a_contract_names_exists(contract: Table) -> None:
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
def test_an_input_is_a_table_and_columns_of_it_named_once(contract: Table) -> None:
    names = [each.table for each in contract.inputs]
    assert [n for n, count in Counter(names).items() if count > 1 or n not in load()] == []
    unknown = [(i.table, c) for i in contract.inputs for c in i.columns if c not in table(i.table).schema]
    assert unknown == []
    assert contract.built_with is None or contract.inputs == ()


@TABLES
def test_an_input_has_a_window_that_holds_something(contract: Table) -> None:
    nothing = [i.table for i in contract.inputs if not i.own_day and not i.before]
    assert nothing == []


@TABLES
def test_a_table_that_reads_its_own_rows_reads_those_of_days_before(contract: Table) -> None:
    """Else its inputs would change with each build, and it would be stale for ever. Versions are added to."""
    own = [i for i in contract.inputs if i.table == contract.name]
    assert [i for i in own if i.own_day and not contract.versions_of] == []


def type_module(contract: Table) -> list[str]:
    """The names under which the module of a contract is found: its own alone."""
    return [name for name, t in load().items() if t is contract]


@TABLES
def test_no_key_may_be_null(contract: Table) -> None:
    assert contract.nullable.isdisjoint((*contract.grain, *contract.partition))


@TABLES
def test_rows_have_one_place_in_a_file(contract: Table) -> None:
    assert set(contract.file_order or contract.grain) == set(contract.grain)


@TABLES
def test_a_check_that_looks_at_neighbours_finds_them_side_by_side(contract: Table) -> None:
    """A frame is checked in the order of its file, in which only the grain's order puts an hour after another."""
    looks = [c.name for c in contract.checks if re.search(r"shift|diff|cum_|rolling|rle", str(c.holds))]
    assert contract.file_order is None or looks == []


@TABLES
def test_checks_have_names_of_their_own_and_reasons(contract: Table) -> None:
    derived = {r.check for r in rules(contract, expected_time=HOUR)} - {c.name for c in contract.checks}
    names = [c.name for c in contract.checks]
    assert len(set(names)) == len(names)
    assert derived.isdisjoint(names)
    assert "columns" in derived
    assert [c.name for c in contract.checks if not c.reason.endswith(".")] == []


@TABLES
def test_a_table_says_something_that_its_columns_cannot(contract: Table) -> None:
    assert contract.checks


def test_sound_rows_and_faults_are_written_for_every_table_and_no_other() -> None:
    assert set(OWN) == set(load())
    assert all(sound(name).height for name in load())


@TABLES
def test_data_flows_from_raw_to_mart(contract: Table) -> None:
    order = ["raw", "core", "model", "mart"]
    if contract.layer in order:
        later = [i for i in contract.inputs if order.index(table(i.table).layer) > order.index(contract.layer)]
        assert later == []


def test_a_table_is_found_by_either_name_and_an_unknown_one_is_told_what_there_is() -> None:
    assert table("mart.liquidation_curve") is table("liquidation_curve")
    for wrong in ("liquidation_map", "core.liquidation_curve"):
        with pytest.raises(KeyError, match=r"there are: raw\.payloads"):
            table(wrong)


def test_an_undeclared_column_cannot_be_picked() -> None:
    with pytest.raises(KeyError, match="guess"):
        pick("coin", "guess")


def test_conform_fills_what_may_be_null_and_refuses_the_rest() -> None:
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


def test_conform_sorts_by_the_order_of_the_file_where_it_is_another_than_the_grain() -> None:
    contract = table("liquidation_levels")
    assert contract.order == contract.file_order != contract.grain
    later = sound(contract.name).with_columns(pl.col("hour_utc") + ONE_HOUR)
    frame = pl.concat([sound(contract.name), later])
    conformed = contract.conform(frame.sort(contract.grain))
    assert conformed.equals(frame.select(contract.schema.names()).sort(contract.order))
    assert not conformed.equals(frame.sort(contract.grain))
    assert table("market_balance").order == table("market_balance").grain


def test_shape_leaves_the_order_of_rows_alone() -> None:
    backwards = sound("market_balance").reverse()
    assert table("market_balance").shape(backwards).equals(backwards)


@pytest.mark.parametrize("name", ["liquidation_levels", "market_summary", "model_parameters"])
def test_a_row_is_built_with_the_day_of_its_partition_or_from_which_its_version_holds(name: str) -> None:
    assert table(name).is_daily
    assert sound(name).select(day=table(name).day)["day"].unique().to_list() == [DAY]


@pytest.mark.parametrize("name", ["instruments", "margin_tiers", "watermark"])
def test_what_adds_to_all_that_is_there_is_not_built_by_the_day(name: str) -> None:
    assert not table(name).is_daily
