"""The range of hours that a command line requests."""

from __future__ import annotations

from datetime import datetime

from transforms.hourly.hours import HOUR
from warehouse.clock import floor_hour, parse_hour
from warehouse.errors import UserError


def validate_range(hour: str | None, first: str | None, last: str | None, count: int | None) -> None:
    """Raise UserError for contradictory options and malformed times, before any work starts."""
    if hour and (first or last or count):
        raise UserError("--hour is one hour; leave out --from, --to and --hours, or leave out --hour")
    if first and count:
        raise UserError("--from and --hours both set the start; leave one out")
    if last and not (first or count):
        raise UserError("--to needs a start: add --from 2026-01-05T00:00Z or --hours 24")
    if first and last and parse_hour(first) > parse_hour(last):
        raise UserError(f"--from {first} is after --to {last}; swap them")
    for text in (hour, first, last):
        if text:
            parse_hour(text)


def hour_range(
    now: datetime, hour: str | None = None, first: str | None = None, last: str | None = None, count: int | None = None
) -> tuple[datetime, datetime]:
    """Return the first and last hour, both included; by default the last full hour. Raises UserError for the future."""
    validate_range(hour, first, last, count)
    newest = floor_hour(now)
    wanted = hour or last
    end = parse_hour(wanted) if wanted else newest
    start = parse_hour(first) if first else end - HOUR * ((count or 1) - 1)
    if start > end and not last:
        raise UserError(f"--from {first} is in the future; the last full hour is {newest:%Y-%m-%dT%H:%MZ}")
    if end > newest:
        raise UserError(f"{wanted} is in the future; the last full hour is {newest:%Y-%m-%dT%H:%MZ}")
    return start, end
