"""The only place that looks at a clock.

Times inside the house are naive UTC `datetime`s, milliseconds since the epoch, or hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from warehouse.errors import UserError

HOUR = timedelta(hours=1)
_EXAMPLE = "2026-01-12T00:00Z"


def utc_now() -> datetime:
    """The wall clock, naive UTC, to the millisecond."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def floor_hour(moment: datetime) -> datetime:
    """The hour that `moment` lies in."""
    return moment.replace(minute=0, second=0, microsecond=0)


def naive_utc(moment: datetime) -> datetime:
    """A zoned `moment` as naive UTC. Raises UserError when it has no zone."""
    if moment.tzinfo is None:
        raise UserError(f"{moment.isoformat()} has no time zone; write it as {_EXAMPLE}")
    return moment.astimezone(UTC).replace(tzinfo=None)


def parse_moment(text: str) -> datetime:
    """ISO 8601 with a zone, as naive UTC. Raises UserError saying how to write it."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UserError(f"{text!r} is not a time; write it as {_EXAMPLE}") from error
    return naive_utc(moment)


def parse_hour(text: str) -> datetime:
    """A full hour with a zone, as naive UTC. Raises UserError for minutes that are not 00."""
    moment = parse_moment(text)
    if moment != floor_hour(moment):
        raise UserError(f"{text!r} is not a full hour; the tables have one row set an hour, e.g. {_EXAMPLE}")
    return moment


def to_ms(moment: datetime) -> int:
    """Naive UTC to unix milliseconds."""
    return int(moment.replace(tzinfo=UTC).timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """Unix milliseconds to naive UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None)


def hours(first: datetime, last: datetime) -> Iterator[datetime]:
    """Every hour from `first` to `last`, both included."""
    while first <= last:
        yield first
        first += HOUR


def days(first: date, last: date) -> Iterator[date]:
    """Every day from `first` to `last`, both included."""
    while first <= last:
        yield first
        first += timedelta(days=1)
