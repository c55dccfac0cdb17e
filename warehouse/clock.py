"""The only module that reads the clock, and conversions of times.

Times inside the project are naive UTC `datetime`s, milliseconds since the epoch, or hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from transforms.hourly.hours import DAY, HOUR
from warehouse.errors import UserError

_EXAMPLE = "2026-01-12T00:00Z"


def utc_now() -> datetime:
    """Return the current time as naive UTC, to the millisecond."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def floor_hour(moment: datetime) -> datetime:
    """Return the start of the hour of `moment`."""
    return moment.replace(minute=0, second=0, microsecond=0)


def naive_utc(moment: datetime) -> datetime:
    """Convert a `moment` to naive UTC; without a time zone it is UTC already."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def parse_moment(text: str) -> datetime:
    """Parse ISO 8601 into naive UTC; a time without a zone is UTC. Raises UserError with an example of the format."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UserError(f"{text!r} is not a time; write it as {_EXAMPLE}") from error
    return naive_utc(moment)


def parse_hour(text: str) -> datetime:
    """Parse a full hour into naive UTC; a time without a zone is UTC. Raises UserError for minutes that are not 00."""
    moment = parse_moment(text)
    if moment != floor_hour(moment):
        raise UserError(f"{text!r} is not a full hour; the tables are hourly: write e.g. {_EXAMPLE}")
    return moment


def to_ms(moment: datetime) -> int:
    """Convert naive UTC to unix milliseconds."""
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """Convert unix milliseconds to naive UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None)


def hours(first: datetime, last: datetime) -> Iterator[datetime]:
    """Yield every hour from `first` to `last`, both included."""
    while first <= last:
        yield first
        first += HOUR


def days(first: date, last: date) -> Iterator[date]:
    """Yield every day from `first` to `last`, both included."""
    while first <= last:
        yield first
        first += DAY
