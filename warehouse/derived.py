"""What is made of a coin's map: curve, balance, clusters, cascades and summary, for hours that follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import polars as pl

from expectations.contract import Table
from expectations.tables import table
from transforms.hour_of_map import by_bucket
from transforms.tables.liquidation_clusters import PROFILE_COLUMNS, TRAILING, outline
from transforms.traded_hours import BAR_COLUMNS, LOOKS_BACK
from warehouse.build import build
from warehouse.clock import HOUR, days
from warehouse.store import Key, Store, label

LEVELS, PARAMETERS, BARS = table("liquidation_levels"), table("model_parameters"), table("price_bars")
CURVE, BALANCE, CLUSTERS = table("liquidation_curve"), table("market_balance"), table("liquidation_clusters")
CASCADES, REACH, SUMMARY = table("cascade_risk"), table("cascade_reach"), table("market_summary")
DERIVED = (CURVE, BALANCE, CLUSTERS, CASCADES, REACH, SUMMARY)
_DAY = timedelta(days=1)


@dataclass
class Derived:
    """Of one coin, into a stage. Profiles of the last week and bars of 30 days are kept from call to call."""

    coin: str
    stage: Store
    _profiles: pl.DataFrame | None = field(default=None, init=False)
    _bars: dict[date, pl.DataFrame] = field(default_factory=dict, init=False)

    def make(self, levels: pl.DataFrame, wanted: Sequence[datetime]) -> None:
        """Of `levels`, which hold the map of the hours `wanted` and nothing else."""
        parameters = self.stage.read(PARAMETERS, self.stage.keys(PARAMETERS))
        known = {"coin": self.coin, "hours": wanted}
        standing = by_bucket(levels)
        profiles = self._trailing(standing, wanted[0])
        curve = build(CURVE.name, {LEVELS.name: levels, PARAMETERS.name: parameters})
        balance = build(BALANCE.name, {CURVE.name: curve})
        clusters = build(CLUSTERS.name, {LEVELS.name: standing, "profiles": profiles}, **known)
        cascades = build(CASCADES.name, {LEVELS.name: standing, BARS.name: self._traded(wanted)}, **known)
        around = {LEVELS.name: standing, CLUSTERS.name: clusters, CASCADES.name: cascades}
        reach = build(REACH.name, around)
        summary = build(SUMMARY.name, {**around, BALANCE.name: balance})
        for contract, made in zip(DERIVED, (curve, balance, clusters, cascades, reach, summary), strict=True):
            write_hours(self.stage, contract, self.coin, made, wanted)

    def _trailing(self, levels: pl.DataFrame, first: datetime) -> pl.DataFrame:
        before = self._read(first) if self._profiles is None else self._profiles
        kept = before.filter(pl.col("hour_utc").is_between(first - TRAILING, first, closed="none"))
        self._profiles = pl.concat([kept, outline(levels)])
        return self._profiles

    def _read(self, first: datetime) -> pl.DataFrame:
        keys = [day_of(self.coin, day) for day in days((first - TRAILING).date(), (first - HOUR).date())]
        return outline(self.stage.read(LEVELS, keys, list(PROFILE_COLUMNS)))

    def _traded(self, wanted: Sequence[datetime]) -> pl.DataFrame:
        """The bars that the impact of these hours is known by."""
        of = days((wanted[0] - LOOKS_BACK).date(), (wanted[-1] - _DAY).date())
        self._bars = {day: self._bars[day] if day in self._bars else self._bars_of(day) for day in of}
        return pl.concat(self._bars.values())

    def _bars_of(self, day: date) -> pl.DataFrame:
        return self.stage.read(BARS, [day_of(self.coin, day)], list(BAR_COLUMNS))


def day_of(coin: str, day: date) -> Key:
    """A partition's key."""
    return {"coin": coin, "date": day}


def write_hours(stage: Store, contract: Table, coin: str, made: pl.DataFrame, wanted: Sequence[datetime]) -> None:
    """Writes the partitions of `made`, of one coin; of each of them the hours around `wanted` stay as they were.

    A day of which nothing is to be told has a file too: where there is none, it was lost.
    """
    keys: list[Key] = [*made.select(contract.partition).unique().to_dicts()]
    if contract.may_be_empty:
        keys += [day_of(coin, day) for day in days(wanted[0].date(), wanted[-1].date())]
    for key in {label(contract, key): key for key in keys}.values():
        rows = made.filter(*(pl.col(column) == value for column, value in key.items()))
        if not _is_whole(key, wanted):
            before = stage.read(contract, [key])
            rows = pl.concat([before.filter(~pl.col("hour_utc").is_between(wanted[0], wanted[-1])), rows])
        stage.write(contract, rows, key)


def _is_whole(key: Key, wanted: Sequence[datetime]) -> bool:
    """Whether all hours of a partition are among `wanted`; of a month that is not asked."""
    day = key.get("date")
    return (
        isinstance(day, date)
        and wanted[0].date() <= day < (wanted[-1] + HOUR).date()
        and (day > wanted[0].date() or wanted[0].hour == 0)
    )
