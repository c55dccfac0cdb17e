"""Rows of Binance's archive files, and known defects of some."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.exchanges.archive import DAY, DAY_MS, documented, ms, read
from transforms.exchanges.binance import adapter as binance
from transforms.exchanges.protocol import SERIES, BadPayload, ExchangeError, Row

ENDPOINTS = ("archive_metrics", "archive_mark_bars", "archive_trade_bars")
MINUTE_MS = 60_000


def interest(text: str, day_ms: int = DAY) -> list[Row]:
    return read("archive_metrics", text, day_ms)["open_interest"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_documented_files_are_parsed_completely(endpoint: str) -> None:
    parsed = read(endpoint, documented(endpoint))
    assert tuple(parsed) == binance.ENDPOINTS[endpoint]
    for series, rows in parsed.items():
        assert len(rows) == documented(endpoint).count("\n") - 1
        assert all(list(row) == list(SERIES[series]) for row in rows)


def test_open_interest_counts_one_side_with_origin_archive() -> None:
    first, *_, last = interest(documented("archive_metrics"))
    assert (first["time_ms"], last["time_ms"]) == (DAY + 5 * MINUTE_MS, DAY + DAY_MS)
    assert (first["reported"], first["reported_unit"], first["sides_counted"]) == (20403.12345678, "base", 1)
    assert (first["reported_base"], first["reported_usd"]) == (20403.12345678, 1887288919.75215)
    assert (first["single_sided"], first["mark_price"], first["origin"]) == (None, None, "archive")


def test_ratios_become_shares() -> None:
    first = read("archive_metrics", documented("archive_metrics"))["positioning"][0]
    assert (first["top_long_account_share"], first["top_long_position_share"]) == (0.6, 0.5)
    assert (first["long_account_share"], first["funding_rate"]) == (0.75, None)


def test_bars_equal_the_rest_answer() -> None:
    (mark, _) = read("archive_mark_bars", documented("archive_mark_bars"))["mark_bars"]
    assert (mark["open_ms"], mark["open"], mark["high"], mark["low"], mark["close"]) == (
        DAY,
        92500.1,
        92510.0,
        92490.0,
        92505.0,
    )
    first, halted = read("archive_trade_bars", documented("archive_trade_bars"))["trade_bars"]
    assert (first["volume_base"], first["taker_buy_base"], first["interval_minutes"]) == (120.5, 70.25, 5)
    assert (halted["volume_base"], halted["taker_buy_base"]) == (0.0, 0.0)  # flat, not missing


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_repeated_unsorted_rows_are_normalised(endpoint: str) -> None:
    header, *lines = documented(endpoint).splitlines()
    assert read(endpoint, "\n".join([header, *lines[::-1], *lines])) == read(endpoint, documented(endpoint))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_header_is_optional(endpoint: str) -> None:
    header, body = documented(endpoint).split("\n", 1)
    assert read(endpoint, body) == read(endpoint, documented(endpoint))
    swapped = [",".join(reversed(line.split(","))) for line in (header, *body.splitlines())]
    assert read(endpoint, "\r\n".join(swapped)) == read(endpoint, documented(endpoint))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_changed_schema_is_refused(endpoint: str) -> None:
    header, body = documented(endpoint).split("\n", 1)
    for text, why in (
        (header.replace(",", ",un", 1) + "\n" + body, "no column"),
        (header, "no rows"),
        ("", "no rows"),
        (body + "1767571800000,92500.1\n", "row [23]: 2 cells, not"),
        (body + '"', "no table"),
        ("<html></html>", "no column"),
    ):
        with pytest.raises(BadPayload, match=why):
            read(endpoint, text)


def test_labels_off_the_grid_are_rounded_down() -> None:
    text = documented("archive_metrics").replace("00:10:00", "00:10:07")
    assert interest(text) == interest(documented("archive_metrics"))
    beside = text + "2026-01-05 00:10:00,BTCUSDT,7,647500,1,1,1,1\n"
    assert [row["reported"] for row in interest(beside)] == [20403.12345678, 7.0, 20405.0]


def test_label_with_two_values_is_refused() -> None:
    text = documented("archive_metrics") + "2026-01-05 00:10:00,BTCUSDT,7,647500,1,1,1,1\n"
    with pytest.raises(BadPayload, match="another row for 2026-01-05 00:10:00"):
        interest(text)


def test_blank_cells_are_not_zeros() -> None:
    blank = '2026-01-05 00:15:00,BTCUSDT,"","","","",2.0,""\n'
    parsed = read("archive_metrics", documented("archive_metrics") + blank)
    assert parsed["open_interest"] == interest(documented("archive_metrics"))
    (row,) = [each for each in parsed["positioning"] if each["time_ms"] == DAY + 15 * MINUTE_MS]
    assert (row["long_account_share"], row["top_long_account_share"]) == (2 / 3, None)
    valued = "2026-01-05 00:15:00,BTCUSDT,5,,,,,\n"
    parsed = read("archive_metrics", documented("archive_metrics") + valued)
    assert [each["reported_usd"] for each in parsed["open_interest"] if each["reported"] == 5.0] == [None]
    assert len(parsed["positioning"]) == 3


@pytest.mark.parametrize("cell", ["NaN", "-1", "inf", "x", "1e999"])
@pytest.mark.parametrize("column", [2, 3, 6])
def test_bad_cell_refuses_its_file(cell: str, column: int) -> None:
    line = ["2026-01-05 00:15:00", "BTCUSDT", "5", "500", "1", "1", "1", "1"]
    line[column] = cell
    with pytest.raises(BadPayload, match="row 3"):
        interest(documented("archive_metrics") + ",".join(line))


def test_times_are_milliseconds_never_microseconds() -> None:
    """Spot files changed to microseconds in 2025; futures files did not."""
    numbered = documented("archive_metrics").replace("2026-01-05 00:05:00", str(DAY + 5 * MINUTE_MS))
    assert interest(numbered) == interest(documented("archive_metrics"))
    with pytest.raises(BadPayload, match="create_time"):
        interest(numbered.replace(str(DAY + 5 * MINUTE_MS), str(1000 * (DAY + 5 * MINUTE_MS))))
    with pytest.raises(BadPayload, match="create_time"):
        interest(documented("archive_metrics").replace("2026-01-05 00:05:00", "2026-13-05 00:05:00"))
    marks = documented("archive_mark_bars")
    with pytest.raises(BadPayload, match="row 0: 0 is"):
        read("archive_mark_bars", marks.replace("1767571200000", "1767571200000000"))


def test_file_of_another_symbol_day_or_interval_is_refused() -> None:
    with pytest.raises(BadPayload, match="symbol is ETHUSDT"):
        interest(documented("archive_metrics").replace("BTCUSDT", "ETHUSDT"))
    with pytest.raises(BadPayload, match="no row in the window"):
        interest(documented("archive_metrics"), DAY + 5 * DAY_MS)
    with pytest.raises(BadPayload, match="not of 5 minutes"):
        read("archive_mark_bars", documented("archive_mark_bars").replace("1767571499999", "1767574799999"))


def test_labels_follow_the_documentation_of_their_day() -> None:
    """Before 25 June 2026 a label is the time; from then on it is the start of the five minutes before it."""
    before, after = ms("2026-06-24"), ms("2026-06-25")
    row = "{}, BTCUSDT,5,500,1,1,1,1\n".replace(" ", "")
    last = row.format(before + DAY_MS)
    assert [each["time_ms"] for each in interest(row.format(before + 5 * MINUTE_MS) + last, before)] == [
        before + 5 * MINUTE_MS,
        before + DAY_MS,
    ]
    late = row.format(after + DAY_MS - 5 * MINUTE_MS)
    assert [each["time_ms"] for each in interest(row.format(after) + late, after)] == [
        after + 5 * MINUTE_MS,
        after + DAY_MS,
    ]


def test_file_contradicting_the_documentation_keeps_its_ends() -> None:
    """No row of the day is cut under either meaning of its labels."""
    after, row = ms("2026-06-25"), "{},BTCUSDT,5,500,1,1,1,1\n"
    ends = [after + 5 * MINUTE_MS, after + DAY_MS]
    times = [each["time_ms"] for each in interest("".join(row.format(end) for end in ends), after)]
    assert times == [end + 5 * MINUTE_MS for end in ends]
    starts = [DAY, DAY + DAY_MS - 5 * MINUTE_MS]
    assert [each["time_ms"] for each in interest("".join(row.format(start) for start in starts))] == starts


@settings(deadline=None, derandomize=True, database=None, max_examples=200)
@given(data=st.data())
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_corrupted_cell_gives_rows_or_an_error(endpoint: str, data: st.DataObject) -> None:
    lines = [line.split(",") for line in documented(endpoint).splitlines()]
    line = data.draw(st.sampled_from(lines))
    junk = ["", "NaN", "-1", "x", "1e999", "9" * 400, "<html>", "\n", "1,2", '"', "\x00", "0001-01-01 00:00:00", "²"]
    line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.sampled_from(junk))
    try:
        parsed = read(endpoint, "\n".join(",".join(each) for each in lines))
    except ExchangeError:
        return
    numbers = [value for rows in parsed.values() for row in rows for value in row.values() if type(value) is float]
    assert all(math.isfinite(number) for number in numbers)
