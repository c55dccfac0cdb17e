"""What is made of a coin's map alone: curve, balance and clusters, for hours that follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from expectations.contract import Table
from expectations.tables import table
from transforms.tables.liquidation_clusters import PROFILE_COLUMNS, TRAILING, outline
from warehouse.build import build
from warehouse.clock import HOUR, days
from warehouse.store import Key, Store

LEVELS, PARAMETERS = table("liquidation_levels"), table("model_parameters")
CURVE, BALANCE, CLUSTERS = table("liquidation_curve"), table("market_balance"), table("liquidation_clusters")
DERIVED = (CURVE, BALANCE, CLUSTERS)


@dataclass
class Derived:
    """Of one coin, into a stage. Profiles of the last week are kept from call to call, not read again."""

    coin: str
    stage: Store
    _profiles: pl.DataFrame | None = field(default=None, init=False)

    def make(self, levels: pl.DataFrame, wanted: Sequence[datetime]) -> None:
        """Of `levels`, which hold the map of the hours `wanted` and nothing else."""
        parameters = self.stage.read(PARAMETERS, self.stage.keys(PARAMETERS))
        curve = build(CURVE.name, {LEVELS.name: levels, PARAMETERS.name: parameters})
        write_from(self.stage, CURVE, curve, wanted[0])
        write_from(self.stage, BALANCE, build(BALANCE.name, {CURVE.name: curve}), wanted[0])
        inputs = {LEVELS.name: levels, "profiles": self._trailing(levels, wanted[0])}
        write_from(self.stage, CLUSTERS, build(CLUSTERS.name, inputs, coin=self.coin, hours=wanted), wanted[0])

    def _trailing(self, levels: pl.DataFrame, first: datetime) -> pl.DataFrame:
        before = self._read(first) if self._profiles is None else self._profiles
        kept = before.filter(pl.col("hour_utc").is_between(first - TRAILING, first, closed="none"))
        self._profiles = pl.concat([kept, outline(levels)])
        return self._profiles

    def _read(self, first: datetime) -> pl.DataFrame:
        keys = [day_of(self.coin, day) for day in days((first - TRAILING).date(), (first - HOUR).date())]
        return outline(self.stage.read(LEVELS, keys, list(PROFILE_COLUMNS)))


def day_of(coin: str, day: date) -> Key:
    """A partition's key."""
    return {"coin": coin, "date": day}


def write_from(stage: Store, contract: Table, made: pl.DataFrame, first: datetime) -> None:
    """Writes the days of `made`, of one coin; of the first of them the hours before `first` stay as they were."""
    for key in made.select("coin", "date").unique().sort("date").to_dicts():
        rows = made.filter(pl.col("date") == key["date"])
        if key["date"] == first.date() and first.hour > 0:
            rows = pl.concat([stage.read(contract, [key]).filter(pl.col("hour_utc") < first), rows])
        stage.write(contract, rows, key)
