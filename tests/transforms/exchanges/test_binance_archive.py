"""Binance's archive: which files there are, what stands in them, and what is wrong with some."""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.exchanges.archive import (
    BTC,
    DAY,
    DAY_MS,
    LATER,
    checksum_of,
    documented,
    file_of,
    read,
    zipped,
)
from transforms.exchanges import binance, binance_archive
from transforms.exchanges.protocol import (
    SERIES,
    BadPayload,
    ExchangeError,
    GeoBlocked,
    Instrument,
    NotFound,
    NotYet,
    RateLimited,
    Response,
    Row,
    Transient,
)

ENDPOINTS = ("archive_metrics", "archive_mark_bars", "archive_trade_bars")
MINUTE_MS = 60_000


def ms(spelt: str) -> int:
    return int(datetime.fromisoformat(spelt).replace(tzinfo=UTC).timestamp()) * 1000


def names(start: str, end: str, now: str, **options: int) -> list[str]:
    asked = binance_archive.files([BTC], ms(start), ms(end), now_ms=ms(now), **options)
    return [each.path.removeprefix("/data/futures/um/").removesuffix(".zip.CHECKSUM") for each in asked]


def interest(text: str, day_ms: int = DAY) -> list[Row]:
    return read("archive_metrics", text, day_ms)["open_interest"]


# which files


def test_files_of_a_day() -> None:
    asked = binance_archive.files([BTC], DAY, DAY + DAY_MS, now_ms=LATER)
    assert [each.path for each in asked] == [
        "/data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2026-01-05.zip.CHECKSUM",
        "/data/futures/um/daily/markPriceKlines/BTCUSDT/5m/BTCUSDT-5m-2026-01-05.zip.CHECKSUM",
        "/data/futures/um/daily/klines/BTCUSDT/5m/BTCUSDT-5m-2026-01-05.zip.CHECKSUM",
    ]
    assert tuple(each.endpoint for each in asked) == ENDPOINTS
    assert {(each.start_ms, each.end_ms, each.host) for each in asked} == {(DAY, DAY + DAY_MS, "binance_archive")}
    assert all(each.budget in {budget.name for budget in binance.BUDGETS} for each in asked)
    assert all(each.host in binance.HOSTS and each.endpoint in binance.ENDPOINTS for each in asked)


def test_whole_past_months_of_bars_come_by_the_month_and_the_rest_by_the_day() -> None:
    asked = names("2026-01-30T05:00", "2026-03-02T01:00", "2026-06-01", bar_minutes=60)
    marks = [name.rpartition("/")[2] for name in asked if "markPriceKlines" in name]
    assert marks == [f"BTCUSDT-1h-2026-{rest}" for rest in ("01-30", "01-31", "02", "03-01", "03-02")]
    assert [name for name in asked if "monthly" in name] == [
        f"monthly/{kind}/BTCUSDT/1h/BTCUSDT-1h-2026-02" for kind in ("markPriceKlines", "klines")
    ]
    metrics = [name for name in asked if "metrics" in name]
    assert len(metrics) == 2 + 28 + 2
    assert all(name.startswith("daily/") for name in metrics)


def test_a_month_that_has_just_ended_comes_by_the_day() -> None:
    assert not any("monthly" in name for name in names("2026-02-01", "2026-03-01", "2026-03-07"))
    assert sum("monthly" in name for name in names("2026-02-01", "2026-03-01", "2026-03-08")) == 2


def test_a_day_that_is_not_over_has_no_file() -> None:
    assert {name[-10:] for name in names("2026-01-04", "2026-01-09", "2026-01-06T23:59")} == {
        "2026-01-04",
        "2026-01-05",
    }
    assert names("2026-01-07", "2026-01-09", "2026-01-06") == names("2026-01-05", "2026-01-05", "2026-02-01") == []


@settings(deadline=None, derandomize=True, database=None)
@given(first=st.integers(0, 800), length=st.integers(1, 100), since=st.integers(0, 60))
def test_every_moment_that_is_past_is_in_one_file(first: int, length: int, since: int) -> None:
    start, end = ms("2024-01-01") + first * DAY_MS, ms("2024-01-01") + (first + length) * DAY_MS
    asked = binance_archive.files([BTC], start, end, now_ms=end + since * DAY_MS)
    for endpoint in ENDPOINTS:
        spans = sorted((each.start_ms or 0, each.end_ms or 0) for each in asked if each.endpoint == endpoint)
        assert spans[0][0] == start
        assert spans[-1][1] == end
        assert [after for after, _ in spans[1:]] == [before for _, before in spans[:-1]]


def test_what_the_archive_does_not_hold_is_not_planned() -> None:
    with pytest.raises(ValueError, match="linear"):
        binance_archive.files([Instrument("binance", "BTCUSD_PERP", "BTC", kind="inverse")], DAY, LATER, now_ms=LATER)
    with pytest.raises(ValueError, match="7 minutes"):
        binance_archive.files([BTC], DAY, LATER, now_ms=LATER, bar_minutes=7)


def test_bars_missing_from_their_day_may_be_in_the_month_and_the_reverse() -> None:
    (month,) = binance_archive.instead(checksum_of("archive_mark_bars"))
    assert month.path == "/data/futures/um/monthly/markPriceKlines/BTCUSDT/5m/BTCUSDT-5m-2026-01.zip.CHECKSUM"
    assert (month.start_ms, month.end_ms) == (ms("2026-01-01"), ms("2026-02-01"))
    days = binance_archive.instead(month)
    assert len(days) == 31
    assert days[4] == checksum_of("archive_mark_bars")
    assert binance_archive.instead(file_of(days[4], b"")) == [month]
    assert binance_archive.instead(checksum_of("archive_metrics")) == []


# checksums and editions


def test_a_checksum_leads_to_the_edition_that_it_names() -> None:
    asked, body = checksum_of("archive_metrics"), b"the file"
    said = f"{hashlib.sha256(body).hexdigest()}  BTCUSDT-metrics-2026-01-05.zip\n".encode()
    answer = Response(200, {"content-type": "binary/octet-stream"}, said, LATER)
    assert binance.parse(asked, answer) == {"open_interest": [], "positioning": []}
    following = binance.follow(asked, answer)
    assert following is not None
    path = "/data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2026-01-05.zip"
    assert following.key == f"GET {path}?x-sha256={hashlib.sha256(body).hexdigest()}"
    assert (following.endpoint, following.start_ms, following.end_ms) == (asked.endpoint, asked.start_ms, asked.end_ms)
    assert binance.follow(following, Response(200, {}, body, LATER)) is None


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"<html>maintenance</html>",
        b"{}",
        b"0" * 64,
        b"0" * 63 + b"  BTCUSDT-metrics-2026-01-05.zip\n",
        b"0" * 64 + b"  BTCUSDT-metrics-2026-01-06.zip\n",
        b"\xff" * 64 + b"  BTCUSDT-metrics-2026-01-05.zip\n",
    ],
)
def test_what_is_no_checksum_of_this_file_is_refused(said: bytes) -> None:
    with pytest.raises(BadPayload, match="not the checksum of BTCUSDT-metrics"):
        binance.parse(checksum_of("archive_metrics"), Response(200, {}, said, LATER))


@settings(deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_a_file_that_is_cut_short_or_altered_is_never_data(data: st.DataObject) -> None:
    asked = checksum_of("archive_metrics")
    body = zipped(asked, documented("archive_metrics"))
    place = data.draw(st.integers(0, len(body) - 1))
    altered = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    for spoilt in (body[:place], altered, body + b"\0"):
        with pytest.raises(BadPayload, match="checksum says"):
            binance.parse(file_of(asked, body), Response(200, {}, spoilt, LATER))


def test_a_checksum_proves_transport_not_content() -> None:
    """What the archive itself has published broken is refused too."""
    asked = checksum_of("archive_metrics")
    whole = zipped(asked, documented("archive_metrics"))
    for body, why in (
        (b"", "no zip"),
        (b"<html>maintenance</html>", "no zip"),
        (whole[: len(whole) // 2], "no zip"),
        (whole.replace(b"\x4b\x03\x04", b"\x4b\x03\x05"), "no zip"),
        (zipped(asked, documented("archive_metrics"), "other.csv"), "no BTCUSDT-metrics-2026-01-05.csv in the zip"),
    ):
        with pytest.raises(BadPayload, match=why):
            binance.parse(file_of(asked, body), Response(200, {}, body, LATER))


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(data=st.data())
def test_whatever_a_zip_holds_it_is_rows_or_a_refusal(data: st.DataObject) -> None:
    asked = checksum_of("archive_mark_bars")
    body = bytearray(zipped(asked, documented("archive_mark_bars")))
    places = st.integers(0, len(body) - 1) | st.integers(max(0, len(body) - 80), len(body) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.sampled_from([0, 1, 127, 255])), max_size=3)):
        body[place] = value
    spoilt = bytes(body[data.draw(st.sampled_from([0, 0, 1, 50])) :])
    try:
        rows = binance.parse(file_of(asked, spoilt), Response(200, {}, spoilt, LATER))["mark_bars"]
    except ExchangeError:
        return
    assert rows


@settings(deadline=None, derandomize=True, database=None, max_examples=200)
@given(data=st.data())
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_any_spoilt_cell_is_rows_or_a_refusal(endpoint: str, data: st.DataObject) -> None:
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


def test_a_file_whose_checksum_was_never_asked_is_refused() -> None:
    asked = checksum_of("archive_mark_bars")
    body = zipped(asked, documented("archive_mark_bars"))
    unknown = replace(file_of(asked, body), params=())
    with pytest.raises(BadPayload, match="unknown"):
        binance.parse(unknown, Response(200, {}, body, LATER))


# answers that are no file


@pytest.mark.parametrize(("days", "kind"), [(0, NotYet), (2, NotYet), (6.9, NotYet), (7, NotFound), (900, NotFound)])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_missing_means_not_yet_and_later_never(endpoint: str, days: float, kind: type[ExchangeError]) -> None:
    asked = checksum_of(endpoint)
    answer = Response(404, {"content-type": "application/xml"}, b"<Error/>", DAY + DAY_MS + int(days * DAY_MS))
    with pytest.raises(kind, match=asked.path.rpartition("/")[2]) as raised:
        binance.parse(asked, answer)
    assert raised.value.outcome == ("not_yet" if kind is NotYet else "not_found")
    with pytest.raises(kind):
        binance.parse(file_of(asked, b""), answer)


@pytest.mark.parametrize(
    ("status", "kind"), [(500, Transient), (503, Transient), (403, RateLimited), (429, RateLimited), (451, GeoBlocked)]
)
def test_other_refusals_are_those_of_any_host(status: int, kind: type[ExchangeError]) -> None:
    with pytest.raises(kind):
        binance.parse(checksum_of("archive_metrics"), Response(status, {}, b"", LATER))


# what stands in the files


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_documented_files_are_read_whole(endpoint: str) -> None:
    parsed = read(endpoint, documented(endpoint))
    assert tuple(parsed) == binance.ENDPOINTS[endpoint]
    for series, rows in parsed.items():
        assert len(rows) == documented(endpoint).count("\n") - 1
        assert all(list(row) == list(SERIES[series]) for row in rows)


def test_open_interest_counts_one_side_and_its_time_is_to_be_confirmed() -> None:
    first, *_, last = interest(documented("archive_metrics"))
    assert (first["time_ms"], last["time_ms"]) == (DAY + 5 * MINUTE_MS, DAY + DAY_MS)
    assert (first["reported"], first["reported_unit"], first["sides_counted"]) == (20403.12345678, "base", 1)
    assert (first["reported_base"], first["reported_usd"]) == (20403.12345678, 1887288919.75215)
    assert (first["single_sided"], first["mark_price"], first["origin"]) == (None, None, "archive")


def test_ratios_become_shares() -> None:
    first = read("archive_metrics", documented("archive_metrics"))["positioning"][0]
    assert (first["top_long_account_share"], first["top_long_position_share"]) == (0.6, 0.5)
    assert (first["long_account_share"], first["funding_rate"]) == (0.75, None)


def test_bars_are_those_of_the_rest_answer() -> None:
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


# traps


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_row_twice_and_unsorted(endpoint: str) -> None:
    header, *lines = documented(endpoint).splitlines()
    assert read(endpoint, "\n".join([header, *lines[::-1], *lines])) == read(endpoint, documented(endpoint))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_with_a_header_and_without(endpoint: str) -> None:
    header, body = documented(endpoint).split("\n", 1)
    assert read(endpoint, body) == read(endpoint, documented(endpoint))
    swapped = [",".join(reversed(line.split(","))) for line in (header, *body.splitlines())]
    assert read(endpoint, "\r\n".join(swapped)) == read(endpoint, documented(endpoint))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_another_schema_is_refused(endpoint: str) -> None:
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


def test_labels_off_the_grid_are_of_the_five_minutes_they_fall_in() -> None:
    text = documented("archive_metrics").replace("00:10:00", "00:10:07")
    assert interest(text) == interest(documented("archive_metrics"))
    beside = text + "2026-01-05 00:10:00,BTCUSDT,7,647500,1,1,1,1\n"
    assert [row["reported"] for row in interest(beside)] == [20403.12345678, 7.0, 20405.0]


def test_one_label_with_two_values_is_a_contradiction() -> None:
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
def test_one_bad_cell_spoils_its_file(cell: str, column: int) -> None:
    line = ["2026-01-05 00:15:00", "BTCUSDT", "5", "500", "1", "1", "1", "1"]
    line[column] = cell
    with pytest.raises(BadPayload, match="row 3"):
        interest(documented("archive_metrics") + ",".join(line))


def test_times_are_milliseconds_never_microseconds() -> None:
    """Spot files changed to microseconds in 2025, those of futures did not."""
    numbered = documented("archive_metrics").replace("2026-01-05 00:05:00", str(DAY + 5 * MINUTE_MS))
    assert interest(numbered) == interest(documented("archive_metrics"))
    with pytest.raises(BadPayload, match="create_time"):
        interest(numbered.replace(str(DAY + 5 * MINUTE_MS), str(1000 * (DAY + 5 * MINUTE_MS))))
    with pytest.raises(BadPayload, match="create_time"):
        interest(documented("archive_metrics").replace("2026-01-05 00:05:00", "2026-13-05 00:05:00"))
    marks = documented("archive_mark_bars")
    with pytest.raises(BadPayload, match="row 0: 0 is"):
        read("archive_mark_bars", marks.replace("1767571200000", "1767571200000000"))


def test_a_file_of_another_symbol_day_or_interval_is_refused() -> None:
    with pytest.raises(BadPayload, match="symbol is ETHUSDT"):
        interest(documented("archive_metrics").replace("BTCUSDT", "ETHUSDT"))
    with pytest.raises(BadPayload, match="no row in the window"):
        interest(documented("archive_metrics"), DAY + 5 * DAY_MS)
    with pytest.raises(BadPayload, match="not of 5 minutes"):
        read("archive_mark_bars", documented("archive_mark_bars").replace("1767571499999", "1767574799999"))


def test_labels_are_taken_for_what_is_documented_of_their_day() -> None:
    """Before 25 June 2026 a label is the time, from then on the start of the five minutes before it."""
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


def test_a_file_that_runs_against_the_documentation_keeps_its_ends() -> None:
    """Whichever way its labels turn out to be meant, no row of the day is cut away."""
    after, row = ms("2026-06-25"), "{},BTCUSDT,5,500,1,1,1,1\n"
    ends = [after + 5 * MINUTE_MS, after + DAY_MS]
    times = [each["time_ms"] for each in interest("".join(row.format(end) for end in ends), after)]
    assert times == [end + 5 * MINUTE_MS for end in ends]
    starts = [DAY, DAY + DAY_MS - 5 * MINUTE_MS]
    assert [each["time_ms"] for each in interest("".join(row.format(start) for start in starts))] == starts
