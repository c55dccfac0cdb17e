"""mart.liquidation_clusters: ranges that stand out from their neighbourhood, venues added up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations.tables import table
from transforms.hour_of_map import Row, abouts
from transforms.model.clusters import Range, detect, distance_bp, intensity
from transforms.model.price_grid import Floats, edge, middle

TABLE = table("liquidation_clusters")
TRAILING = timedelta(days=7)
MOST = 12
"""Clusters kept a side and hour: the largest."""

_FAR_END = 12  # buckets: the neighbourhood there is on one side only, and every slope would stand out
_LEAST_HISTORY = 24  # hours; a z-score over fewer is noise
_SUMS = ("hour_utc", "side", "price_bucket")


def build(liquidation_levels: pl.DataFrame, *, coin: str, day: date) -> pl.DataFrame:
    """Clusters of each hour of `day`. liquidation_levels: of the day, and of TRAILING before it for the z-scores."""
    profiles = liquidation_levels.group_by(_SUMS).agg(pl.col("notional_usd").sum())
    own_day = liquidation_levels.filter(pl.col("hour_utc").dt.date() == day)
    rows: list[Row] = []
    for side in ("long", "short"):
        own = pl.col("side") == side
        rows += _side(own_day.filter(own), profiles.filter(own), {"coin": coin, "side": side})
    frame = pl.DataFrame(rows, schema={c: t for c, t in TABLE.schema.items() if c != "date"}, orient="row")
    return TABLE.conform(frame.with_columns(pl.col("hour_utc").dt.date().alias("date")))


@dataclass(frozen=True)
class _Grid:
    """Notional over hours and buckets: usd [..., hours, buckets], bucket 0 is `first`."""

    times: NDArray[np.datetime64]
    first: int
    usd: Floats

    @classmethod
    def of(cls, sums: pl.DataFrame) -> _Grid:
        times, at = np.unique(sums["hour_utc"].to_numpy(), return_inverse=True)
        bucket = sums["price_bucket"].to_numpy().astype(np.int64)
        first = int(bucket.min())
        usd = np.zeros((len(times), int(bucket.max()) - first + 1))
        usd[at, bucket - first] = sums["notional_usd"].to_numpy()
        return cls(times, first, usd)

    def trailing(self, hour: datetime) -> slice:
        """The hours up to `hour` within TRAILING."""
        ends = np.array([hour - TRAILING, hour], dtype=self.times.dtype)
        return slice(*np.searchsorted(self.times, ends, side="right"))


def _side(levels: pl.DataFrame, profiles: pl.DataFrame, about: Row) -> Iterator[Row]:
    if levels.is_empty():
        return
    grid = _Grid.of(profiles)
    hourly = abouts(levels)
    venues = levels.group_by("hour_utc", "exchange", "price_bucket").agg(pl.col("notional_usd").sum())
    for (hour,), rows in venues.sort("hour_utc", "exchange").partition_by("hour_utc", as_dict=True).items():
        now = _Now.of(rows, grid)
        yield from _hour(now, grid, grid.trailing(hour), about | {"hour_utc": hour} | hourly[hour])


@dataclass(frozen=True)
class _Now:
    """What stands in one hour on one side: usd [venues, buckets] on the grid's buckets."""

    exchanges: list[str]
    first: int
    usd: Floats

    @classmethod
    def of(cls, rows: pl.DataFrame, grid: _Grid) -> _Now:
        exchanges = rows["exchange"].unique(maintain_order=True).to_list()
        venue = rows["exchange"].rle_id().to_numpy()
        usd = np.zeros((len(exchanges), grid.usd.shape[1]))
        usd[venue, rows["price_bucket"].to_numpy() - grid.first] = rows["notional_usd"].to_numpy()
        return cls(exchanges, grid.first, usd)

    def inside(self, side: object, mark: float) -> slice:
        """Buckets on the side's side of the mean mark: a venue that is carried stands at a mark of its own."""
        held = np.flatnonzero(self.usd.any(axis=0))
        low = held + self.first
        own = held[edge(low) <= mark] if side == "long" else held[edge(low + 1) >= mark]
        return slice(int(own[0]), int(own[-1]) + 1) if len(own) else slice(0, 0)

    def shares(self, found: Range) -> str:
        """Each venue's share of a range, as JSON."""
        sums = self.usd[:, found.first : found.last + 1].sum(axis=1).tolist()
        held = {e: usd for e, usd in zip(self.exchanges, sums, strict=True) if usd > 0}
        return json.dumps({exchange: round(usd / sum(held.values()), 6) for exchange, usd in held.items()})


def _hour(now: _Now, grid: _Grid, until: slice, about: Row) -> Iterator[Row]:
    inside = now.inside(about["side"], float(str(about["mark_price"])))
    # only the side's own range: beyond the mark there is nothing, which is no neighbourhood
    profile = grid.usd[until.stop - 1, inside]
    for rank, (each, usd, strength) in enumerate(_largest(profile, about["side"]), start=1):
        found = Range(each.first + inside.start, each.last + inside.start, each.peak + inside.start)
        history = grid.usd[until, found.first : found.last + 1].sum(axis=1)
        own = {"rank": rank, "notional_usd": usd, "intensity": strength, "intensity_z": _z(history)}
        yield about | own | _range(found, grid.first, about) | {"exchange_shares": now.shares(found)}


def _largest(profile: Floats, side: object) -> list[tuple[Range, float, float]]:
    """The largest ranges with their notional and intensity; where nothing stands around, nothing stands out."""
    first, stop = (_FAR_END, len(profile)) if side == "long" else (0, len(profile) - _FAR_END)
    taken = [r for r in detect(profile) if first <= r.first and r.last < stop]
    found = [(r, float(profile[r.first : r.last + 1].sum()), intensity(profile, r)) for r in taken]
    standing_out = [each for each in found if 1 < each[2] < np.inf]
    return sorted(standing_out, key=lambda each: (-each[1], each[0].first))[:MOST]


def _range(found: Range, first: int, about: Row) -> Row:
    """The range's name, prices, and distance to the mark."""
    low, high, peak = (first + b for b in (found.first, found.last, found.peak))
    lower, upper = edge(np.array([low, high + 1])).tolist()
    mark = float(str(about["mark_price"]))
    return {
        "cluster_id": f"{about['coin']}-{about['side']}-{low}-{high}",
        "price_low": lower,
        "price_high": upper,
        "price_peak": float(middle(peak)),
        "distance_bp": distance_bp(str(about["side"]), lower, upper, mark),
    }


def _z(history: Floats) -> float | None:
    """The last value against all, in standard deviations; None over too few hours or where nothing ever moved."""
    spread = float(history.std()) if len(history) >= _LEAST_HISTORY else 0.0
    return (float(history[-1]) - float(history.mean())) / spread if spread > 0 else None
