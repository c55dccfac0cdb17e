"""The plan of a run: hours, coins, exchanges and tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from expectations.tables import load
from transforms.hourly.hours import HOUR
from warehouse.clock import hours
from warehouse.errors import UserError
from warehouse.settings import Settings


@dataclass(frozen=True)
class Plan:
    """The hours from first to last (both included, naive UTC), coins and exchanges of a run. coins may be ("all",).

    retry_failed: also request earlier hours that failed or were never run, and rebuild stale hours of the week before.
    again: build every partition, stale or not. tables: the tables to build; default: all that are not built on demand.
    days: the days to build; default: the days of the hours. whole: publish everything or nothing.
    """

    first_hour: datetime
    last_hour: datetime
    coins: tuple[str, ...]
    exchanges: tuple[str, ...]
    retry_failed: bool = True
    again: bool = False
    tables: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    whole: bool = False

    @classmethod
    def of_hour(cls, hour: datetime, settings: Settings) -> Plan:
        """Return the plan of one hour."""
        return cls(hour, hour, settings.coins, settings.exchanges)

    @classmethod
    def of_range(cls, first: datetime, last: datetime, settings: Settings) -> Plan:
        """Return the plan of the hours from `first` to `last`. Raises UserError if `first` is after `last`."""
        if first > last:
            raise UserError(f"the range runs backwards: {first:%Y-%m-%dT%H:%MZ} comes after {last:%Y-%m-%dT%H:%MZ}")
        return cls(first, last, settings.coins, settings.exchanges)

    @property
    def named_coins(self) -> tuple[str, ...]:
        """The coins requested by name; empty for `all`."""
        return () if self.coins == ("all",) else self.coins

    @property
    def run_id(self) -> str:
        """The first part of the name of the run's stage, from its hours."""
        return f"{self.first_hour:%Y%m%dT%H}-{self.last_hour:%Y%m%dT%H}"

    @property
    def hours(self) -> list[datetime]:
        """Every hour."""
        return list(hours(self.first_hour, self.last_hour))

    @property
    def tables_or_all(self) -> tuple[str, ...]:
        """The names of the tables to build."""
        return self.tables or tuple(t.name for t in load().values() if t.inputs and not t.on_demand)

    def chunks(self, length: timedelta) -> Iterator[Plan]:
        """Yield the plan in consecutive pieces of about `length`, each ending with the hour of midnight.

        Whole days are built, and the last bars of a day come with the hour of midnight.
        """
        first = self.first_hour
        while first <= self.last_hour:
            last = min(first.replace(hour=0) + length, self.last_hour)
            yield replace(self, first_hour=first, last_hour=last)
            first = last + HOUR

    def months(self) -> Iterator[Plan]:
        """Yield the plan in pieces of at most one calendar month."""
        first = self.first_hour
        while first <= self.last_hour:
            following = (first.replace(day=1, hour=0) + timedelta(days=32)).replace(day=1)
            last = min(following - HOUR, self.last_hour)
            yield replace(self, first_hour=first, last_hour=last)
            first = last + HOUR

    def to_json(self) -> str:
        """Serialise the plan, to pass it between tasks."""
        hours = {"first": self.first_hour.isoformat(), "last": self.last_hour.isoformat()}
        flags = {"retry_failed": self.retry_failed, "again": self.again}
        return json.dumps({**hours, "coins": self.coins, "exchanges": self.exchanges, **flags})

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Deserialise a plan; the inverse of to_json."""
        given = json.loads(text)
        first, last = (datetime.fromisoformat(given.pop(name)) for name in ("first", "last"))
        coins, exchanges = (tuple(given.pop(name)) for name in ("coins", "exchanges"))
        return cls(first, last, coins, exchanges, **given)
