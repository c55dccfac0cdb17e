"""Column parsing equals parsing cell by cell: the same values, or the same error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.exchanges.parsing.columns import Columns
from transforms.exchanges.parsing.json_body import Cells
from transforms.exchanges.parsing.rows import Rows
from transforms.exchanges.protocol import BadPayload

AS_USUAL = st.one_of(
    st.floats(0, 1e12).map(str), st.integers(10**12, 10**13 - 1), st.integers(10**12, 10**13 - 1).map(str)
)
NO_NUMBERS = [None, "", "NaN", "inf", "1_000", " 1", "1e999", "1\n2", "-", "e", "\u0661", "x", "179055000000\n", [], {}]
NUMBERS = ["-1", "-0.0", "1e-400", ".5", "5.", "+3", "0", 0, -1, 1.5, 0.0, 10**400, 1e300, float("nan"), True, False]
ODD = st.sampled_from([*NO_NUMBERS, *NUMBERS])
READERS: list[Callable[[Any], Any]] = [
    lambda cells: cells.get("x"),
    lambda cells: cells.text("x"),
    lambda cells: cells.number("x"),
    lambda cells: cells.number("x", signed=True),
    lambda cells: cells.number("x", positive=True),
    lambda cells: cells.maybe("x"),
    lambda cells: cells.time("x"),
]


def outcome(read: Callable[[], Any]) -> Any:
    try:
        return repr(read())  # NaN is not equal to itself, -0.0 is equal to 0.0
    except BadPayload as error:
        return error.reason


@settings(derandomize=True, database=None, max_examples=300)
@given(st.lists(AS_USUAL | ODD, max_size=4) | st.lists(AS_USUAL, max_size=6), st.sampled_from(READERS))
def test_column_equals_its_cells(values: list[Any], read: Callable[[Any], Any]) -> None:
    records: list[object] = [{"x": value} for value in values]
    one_by_one = outcome(lambda: [read(Cells(record, f"row {n}")) for n, record in enumerate(records)])
    assert outcome(lambda: read(Columns(records))) == one_by_one


@pytest.mark.parametrize("records", [[{"x": "1"}, {}], [["1"], []], [{"x": "1"}, ["1"]]])
def test_record_without_the_cell_is_named(records: list[object]) -> None:
    for key in ("x", 0):
        with pytest.raises(BadPayload, match=rf"row \d: {key} is missing"):
            Columns(records).number(key)


def test_columns_require_a_list_of_records() -> None:
    for wrong in ({}, "x", None, [1], [None], [{}, "x"]):
        with pytest.raises(BadPayload):
            Columns(wrong)


def test_taken_records_keep_their_row_numbers() -> None:
    taken = Columns([{"x": "1"}, {"x": "2"}, {"x": ""}]).take([0, 2])
    with pytest.raises(BadPayload, match="row 2: x is ''"):
        taken.number("x")


def test_records_of_another_contract_are_refused() -> None:
    Columns([{"s": "BTC"}, {}]).check_instrument("s", "BTC", stated=False)
    for records, stated in (([{"s": "BTC"}, {}], True), ([{"s": "BTC"}, {"s": "ETH"}], False), ([{"s": 1}], False)):
        with pytest.raises(BadPayload, match=r"row \d: s is"):
            Columns(records).check_instrument("s", "BTC", stated=stated)


def test_rows_of_columns_behave_as_rows() -> None:
    made = Rows.of("open_interest", 2, time_ms=[1, 2], origin="history")
    assert (len(made), made[1]["time_ms"], made[1]["origin"], made[1]["reported"]) == (2, 2, "history", None)
    assert made == list(made)
    assert made[:1] == made.take([0]) == Rows.gathered(made.columns, [made[0]])
    with pytest.raises(ValueError, match="price"):
        Rows.of("open_interest", 2, price=1.0)
