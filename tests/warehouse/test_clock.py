"""Times: parsed, kept as naive UTC, converted to and from milliseconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from warehouse.clock import (
    HOUR,
    days,
    floor_hour,
    from_ms,
    hours,
    naive_utc,
    parse_hour,
    parse_moment,
    to_ms,
    utc_now,
)
from warehouse.errors import UserError

MIDNIGHT = datetime(2026, 1, 12)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-12T00:00Z", MIDNIGHT),
        (" 2026-01-12T00:00:00+00:00 ", MIDNIGHT),
        ("2026-01-12T01:00+01:00", MIDNIGHT),
        ("2026-01-11T18:30-05:30", MIDNIGHT),
        ("20260112T000000Z", MIDNIGHT),
    ],
)
def test_zoned_time_is_converted_to_utc(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment
    assert parse_hour(text) == moment


@pytest.mark.parametrize("text", ["2026-01-12T00:00", "2026-01-12", "2026-01-12 00:00:00"])
def test_time_without_zone_is_utc(text: str) -> None:
    assert parse_moment(text) == parse_hour(text) == MIDNIGHT


@pytest.mark.parametrize("text", ["", "yesterday", "12:00Z", "2026-13-01T00:00Z", "1768176000"])
def test_invalid_time_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is not a time; write it as 2026-01-12T00:00Z"):
        parse_moment(text)


@pytest.mark.parametrize("text", ["2026-01-12T00:30Z", "2026-01-12T00:00:01Z", "2026-01-12T00:00+05:30"])
def test_parse_hour_refuses_partial_hours(text: str) -> None:
    with pytest.raises(UserError, match="is not a full hour"):
        parse_hour(text)


def test_naive_utc_keeps_naive_times() -> None:
    assert naive_utc(datetime(2026, 1, 12, 2, tzinfo=timezone(timedelta(hours=2)))) == MIDNIGHT
    assert naive_utc(MIDNIGHT) == MIDNIGHT


def test_milliseconds_round_trip() -> None:
    assert to_ms(datetime(1970, 1, 1)) == 0
    assert to_ms(MIDNIGHT) == 1_768_176_000_000
    moment = datetime(2026, 1, 12, 3, 4, 5, 678_000)
    assert from_ms(to_ms(moment)) == moment
    assert from_ms(to_ms(moment)).tzinfo is None


def test_now_is_utc_to_the_millisecond() -> None:
    before = datetime.now(UTC).replace(tzinfo=None)
    now = utc_now()
    assert before - timedelta(milliseconds=1) <= now <= datetime.now(UTC).replace(tzinfo=None)
    assert now.microsecond % 1000 == 0
    assert from_ms(to_ms(now)) == now


def test_hours_and_days_include_both_ends() -> None:
    assert list(hours(MIDNIGHT - HOUR, MIDNIGHT)) == [datetime(2026, 1, 11, 23), MIDNIGHT]
    assert list(hours(MIDNIGHT, MIDNIGHT - HOUR)) == []
    assert list(days(date(2025, 12, 31), date(2026, 1, 1))) == [date(2025, 12, 31), date(2026, 1, 1)]
    assert list(days(date(2026, 1, 2), date(2026, 1, 1))) == []
    assert floor_hour(datetime(2026, 1, 12, 3, 59, 59, 999_999)) == datetime(2026, 1, 12, 3)
