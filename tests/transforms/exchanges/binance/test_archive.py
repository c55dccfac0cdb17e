"""Binance's archive: file names, contents, checksums and missing files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from random import Random

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
    ms,
    zipped,
)
from transforms.exchanges.binance import adapter as binance
from transforms.exchanges.binance import archive as binance_archive
from transforms.exchanges.protocol import (
    BadPayload,
    ExchangeError,
    GeoBlocked,
    Instrument,
    NotFound,
    NotYet,
    RateLimited,
    Response,
    Transient,
)

ENDPOINTS = ("archive_metrics", "archive_mark_bars", "archive_trade_bars")


def names(start: str, end: str, now: str, **options: int) -> list[str]:
    asked = binance_archive.files([BTC], ms(start), ms(end), now_ms=ms(now), **options)
    return [each.path.removeprefix("/data/futures/um/").removesuffix(".zip.CHECKSUM") for each in asked]


# which files


def test_files_of_a_day_are_planned() -> None:
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


def test_every_touched_day_has_a_file() -> None:
    asked = names("2026-01-30T05:00", "2026-02-02T01:00", "2026-06-01", bar_minutes=60)
    assert [name.rpartition("/")[2] for name in asked if "markPriceKlines" in name] == [
        f"BTCUSDT-1h-2026-{day}" for day in ("01-30", "01-31", "02-01", "02-02")
    ]
    assert len(asked) == 3 * 4


def test_unfinished_day_has_no_file() -> None:
    assert {name[-10:] for name in names("2026-01-04", "2026-01-09", "2026-01-06T23:59")} == {
        "2026-01-04",
        "2026-01-05",
    }
    assert names("2026-01-07", "2026-01-09", "2026-01-06") == names("2026-01-05", "2026-01-05", "2026-02-01") == []


@settings(deadline=None, derandomize=True, database=None)
@given(first=st.integers(0, 800), length=st.integers(1, 100), since=st.integers(0, 60))
def test_files_cover_the_past_without_overlap(first: int, length: int, since: int) -> None:
    start, end = ms("2024-01-01") + first * DAY_MS, ms("2024-01-01") + (first + length) * DAY_MS
    asked = binance_archive.files([BTC], start, end, now_ms=end + since * DAY_MS)
    for endpoint in ENDPOINTS:
        spans = sorted((each.start_ms or 0, each.end_ms or 0) for each in asked if each.endpoint == endpoint)
        assert spans[0][0] == start
        assert spans[-1][1] == end
        assert [after for after, _ in spans[1:]] == [before for _, before in spans[:-1]]


def test_unsupported_requests_are_refused() -> None:
    with pytest.raises(ValueError, match="linear"):
        binance_archive.files([Instrument("binance", "BTCUSD_PERP", "BTC", kind="inverse")], DAY, LATER, now_ms=LATER)
    with pytest.raises(ValueError, match="7 minutes"):
        binance_archive.files([BTC], DAY, LATER, now_ms=LATER, bar_minutes=7)


def test_missing_bars_fall_back_to_rest() -> None:
    asked = binance.fallback(checksum_of("archive_mark_bars"))
    assert {(each.endpoint, each.host, each.instrument) for each in asked} == {("mark_bars", "binance", "BTCUSDT")}
    spans = [(each.start_ms, each.end_ms) for each in asked]
    assert (spans[0][0], spans[-1][1]) == (DAY, DAY + DAY_MS)
    assert binance.fallback(file_of(checksum_of("archive_trade_bars"), b""))[0].path == "/fapi/v1/klines"
    assert binance.fallback(checksum_of("archive_metrics")) == []
    assert binance.fallback(asked[0]) == []


def test_archive_replaces_expired_rest_history() -> None:
    now, border = ms("2026-02-05T17:30"), ms("2026-01-07")
    assert binance.served_since_ms(now) == border
    assert binance.archive_requests([BTC], border, border + DAY_MS, now_ms=now) == []
    asked = binance.archive_requests([BTC], border - DAY_MS, border, now_ms=now)
    assert [each.endpoint for each in asked] == [*ENDPOINTS, "funding"]


# files of months


@pytest.mark.parametrize(
    ("day", "month", "span"),
    [
        ("2026-01-05", "2026-01", ("2026-01-01", "2026-02-01")),
        ("2024-02-29", "2024-02", ("2024-02-01", "2024-03-01")),
        ("2025-12-31", "2025-12", ("2025-12-01", "2026-01-01")),
    ],
)
@pytest.mark.parametrize("endpoint", ["archive_mark_bars", "archive_trade_bars"])
def test_monthly_file_of_daily_bars(endpoint: str, day: str, month: str, span: tuple[str, str]) -> None:
    asked = binance.monthly_file(checksum_of(endpoint, ms(day)), now_ms=ms("2026-06-01"))
    assert asked is not None
    kind = binance_archive.KLINES[endpoint]
    assert asked.path == f"/data/futures/um/monthly/{kind}/BTCUSDT/5m/BTCUSDT-5m-{month}.zip.CHECKSUM"
    assert (asked.start_ms, asked.end_ms) == (ms(span[0]), ms(span[1]))
    assert (asked.endpoint, asked.instrument, asked.host) == (endpoint, "BTCUSDT", "binance_archive")
    assert binance_archive.interval_minutes(asked) == 5
    assert binance.monthly_file(asked, now_ms=ms("2026-06-01")) is None
    assert binance.fallback(asked) == []  # its daily files are requested, and REST for missing ones


def test_monthly_file_is_requested_once_final() -> None:
    day = checksum_of("archive_mark_bars")
    assert binance.monthly_file(day, now_ms=ms("2026-02-08") - 1) is None
    month = binance.monthly_file(day, now_ms=ms("2026-02-08"))
    assert month is not None
    with pytest.raises(NotFound, match=r"BTCUSDT-5m-2026-01\.zip"):
        binance.parse(month, Response(404, {}, b"<Error/>", ms("2026-02-08")))


def test_metrics_have_no_monthly_file() -> None:
    assert binance.monthly_file(checksum_of("archive_metrics"), now_ms=ms("2026-06-01")) is None
    (rest, *_) = binance.history([BTC], DAY, DAY + DAY_MS)
    assert binance.monthly_file(rest, now_ms=ms("2026-06-01")) is None


@settings(deadline=None, derandomize=True, database=None, max_examples=40)
@given(first=st.integers(0, 30), length=st.integers(1, 31), header=st.booleans(), order=st.randoms())
def test_monthly_file_is_cut_to_the_window(first: int, length: int, header: bool, order: Random) -> None:
    names, example, *_ = documented("archive_trade_bars").splitlines()
    opens = range(ms("2026-01-01"), ms("2026-02-01"), 6 * 3_600_000)
    cells = example.split(",")
    lines = [",".join([str(at), *cells[1:6], str(at + 300_000 - 1), *cells[7:]]) for at in opens]
    order.shuffle(lines)
    month = binance.monthly_file(checksum_of("archive_trade_bars"), now_ms=LATER * 2)
    assert month is not None
    body = zipped(month, "\n".join([names, *lines] if header else lines) + "\n")
    since, until = (
        ms("2026-01-01") + first * DAY_MS,
        min(ms("2026-01-01") + (first + length) * DAY_MS, month.end_ms or 0),
    )
    asked = replace(file_of(month, body), start_ms=since, end_ms=until)
    rows = binance.parse(asked, Response(200, {}, body, LATER * 2))["trade_bars"]
    assert [each["open_ms"] for each in rows] == [at for at in opens if since <= at < until]


# checksums and editions


def test_checksum_leads_to_its_edition() -> None:
    asked, body = checksum_of("archive_metrics"), b"the file"
    said = f"{hashlib.sha256(body).hexdigest()}  BTCUSDT-metrics-2026-01-05.zip\n".encode()
    answer = Response(200, {"content-type": "binary/octet-stream"}, said, LATER)
    assert binance.parse(asked, answer) == {"open_interest": [], "positioning": []}
    following = binance.next_page(asked, answer)
    assert following is not None
    path = "/data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2026-01-05.zip"
    assert following.key == f"GET {path}?x-sha256={hashlib.sha256(body).hexdigest()}"
    assert (following.endpoint, following.start_ms, following.end_ms) == (asked.endpoint, asked.start_ms, asked.end_ms)
    assert binance.next_page(following, Response(200, {}, body, LATER)) is None


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
def test_invalid_checksum_is_refused(said: bytes) -> None:
    with pytest.raises(BadPayload, match="not the checksum of BTCUSDT-metrics"):
        binance.parse(checksum_of("archive_metrics"), Response(200, {}, said, LATER))


@settings(deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_altered_file_is_refused(data: st.DataObject) -> None:
    asked = checksum_of("archive_metrics")
    body = zipped(asked, documented("archive_metrics"))
    place = data.draw(st.integers(0, len(body) - 1))
    altered = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    for spoilt in (body[:place], altered, body + b"\0"):
        with pytest.raises(BadPayload, match="checksum says"):
            binance.parse(file_of(asked, body), Response(200, {}, spoilt, LATER))


def test_broken_file_with_valid_checksum_is_refused() -> None:
    """A file published broken by the archive is refused too."""
    asked = checksum_of("archive_metrics")
    whole = zipped(asked, documented("archive_metrics"))
    for body, why in (
        (b"", "not a readable zip"),
        (b"<html>maintenance</html>", "not a readable zip"),
        (whole[: len(whole) // 2], "not a readable zip"),
        (whole.replace(b"\x4b\x03\x04", b"\x4b\x03\x05"), "not a readable zip"),
        (zipped(asked, documented("archive_metrics"), "other.csv"), "no BTCUSDT-metrics-2026-01-05.csv in the zip"),
    ):
        with pytest.raises(BadPayload, match=why):
            binance.parse(file_of(asked, body), Response(200, {}, body, LATER))


@settings(deadline=None, derandomize=True, database=None, max_examples=300)
@given(data=st.data())
def test_corrupted_zip_gives_rows_or_an_error(data: st.DataObject) -> None:
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


def test_file_without_known_checksum_is_refused() -> None:
    asked = checksum_of("archive_mark_bars")
    body = zipped(asked, documented("archive_mark_bars"))
    unknown = replace(file_of(asked, body), params=())
    with pytest.raises(BadPayload, match="unknown"):
        binance.parse(unknown, Response(200, {}, body, LATER))


# answers that are no file


@pytest.mark.parametrize(("days", "kind"), [(0, NotYet), (2, NotYet), (6.9, NotYet), (7, NotFound), (900, NotFound)])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_missing_file_is_not_yet_then_not_found(endpoint: str, days: float, kind: type[ExchangeError]) -> None:
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
def test_other_errors_are_classified_by_status(status: int, kind: type[ExchangeError]) -> None:
    with pytest.raises(kind):
        binance.parse(checksum_of("archive_metrics"), Response(status, {}, b"", LATER))
