from __future__ import annotations

import pytest

from transforms.exchanges.parsing.json_body import Cells, read, records
from transforms.exchanges.protocol import BadPayload, Response


def cells(value: object) -> Cells:
    return Cells({"x": value}, "row 7")


@pytest.mark.parametrize(("value", "number"), [("1.50", 1.5), (3, 3.0), ("1e-7", 1e-7), (0.004, 0.004), ("0", 0.0)])
def test_numbers_are_read_from_strings_and_numbers(value: object, number: float) -> None:
    assert cells(value).number("x") == number


@pytest.mark.parametrize(
    "value", [None, "", "NaN", "nan", "inf", "-inf", "1_000", " 1", "\u0661", True, "-1", -1, [], {}, "1e999", 10**400]
)
def test_invalid_amount_names_its_row(value: object) -> None:
    with pytest.raises(BadPayload, match="row 7: x is"):
        cells(value).number("x")


def test_sign_and_zero_are_allowed_on_request() -> None:
    assert cells("-0.0375").number("x", signed=True) == -0.0375
    with pytest.raises(BadPayload):
        cells("0.0").number("x", positive=True)


def test_blank_is_null_and_not_zero() -> None:
    assert cells("").maybe("x") is None
    assert cells(None).maybe("x") is None
    assert Cells([], "row 0").maybe(9) is None
    assert cells("0").maybe("x") == 0.0


@pytest.mark.parametrize("value", [1790550000000, "1790550000000"])
def test_times_are_read_from_strings_and_numbers(value: object) -> None:
    assert cells(value).time("x") == 1790550000000


@pytest.mark.parametrize("value", [1790550000, "1790550000000000", 1790550000000.0, "", None, True, "179055000000x"])
def test_times_must_be_milliseconds(value: object) -> None:
    with pytest.raises(BadPayload, match="row 7: x is"):
        cells(value).time("x")


def test_blank_times_are_null() -> None:
    assert [cells(value).maybe_time("x") for value in ("", None, "0", 0)] == [None] * 4


@pytest.mark.parametrize("body", [b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}'])
def test_non_json_constants_are_refused(body: bytes) -> None:
    with pytest.raises(BadPayload):
        read(Response(200, {}, body, 0))


def test_records_require_a_list_of_records() -> None:
    assert [each.where for each in records([{}, []])] == ["row 0", "row 1"]
    for wrong in ({}, "x", None, [1], [None]):
        with pytest.raises(BadPayload):
            records(wrong)
    with pytest.raises(BadPayload):
        cells(1.5).whole("x")
