"""mart.liquidation_clusters: ranges that stand out from their neighbourhood, venues added up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations.tables import table
from transforms.model.clusters import Range, detect, intensity
from transforms.model.price_grid import Floats, Ints, edge, middle

TABLE = table("liquidation_clusters")
TRAILING = timedelta(days=7)
MOST = 12
"""Clusters kept a side and hour: the largest."""

_FAR_END = 12  # buckets: the neighbourhood there is on one side only, and every slope would stand out
_LEAST_HISTORY = 24  # hours; a z-score over fewer is noise


def build(liquidation_levels: pl.DataFrame, *, coin: str, hours: Sequence[datetime]) -> pl.DataFrame:
    """Clusters of each of `hours`. `liquidation_levels` reaches back TRAILING before the first, for the z-scores."""
    rows = [
        row
        for side in ("long", "short")
        for row in _side(liquidation_levels.filter(pl.col("side") == side), side, coin, hours)
    ]
    frame = pl.DataFrame(rows, schema={c: t for c, t in TABLE.schema.items() if c != "date"}, orient="row")
    return TABLE.conform(frame.with_columns(pl.col("hour_utc").dt.date().alias("date")))


@dataclass(frozen=True)
class _Profiles:
    """Notional by hour and bucket, venues added up: usd [hours, buckets], bucket 0 is `first`."""

    times: list[datetime]
    first: int
    usd: Floats

    def trailing(self, hour: datetime) -> Floats:
        """The hours up to `hour` within TRAILING."""
        return self.usd[[hour - TRAILING < t <= hour for t in self.times]]


def _profiles(levels: pl.DataFrame) -> _Profiles:
    sums = levels.group_by("hour_utc", "price_bucket").agg(pl.col("notional_usd").sum())
    times = sums["hour_utc"].unique().sort().to_list()
    first, last = (int(sums["price_bucket"].to_numpy().min()), int(sums["price_bucket"].to_numpy().max()))
    usd = np.zeros((len(times), last - first + 1))
    place = {t: i for i, t in enumerate(times)}
    usd[[place[t] for t in sums["hour_utc"].to_list()], sums["price_bucket"].to_numpy() - first] = sums["notional_usd"]
    return _Profiles(times, first, usd)


def _side(levels: pl.DataFrame, side: str, coin: str, hours: Sequence[datetime]) -> Iterator[dict[str, object]]:
    if levels.is_empty():
        return
    profiles = _profiles(levels)
    wanted = levels.filter(pl.col("hour_utc").is_in(list(hours)))
    abouts = _abouts(wanted)
    venues = wanted.group_by("hour_utc", "exchange", "price_bucket").agg(pl.col("notional_usd").sum())
    for (hour,), rows in venues.sort("hour_utc").partition_by("hour_utc", as_dict=True, maintain_order=True).items():
        about = abouts[hour] | {"coin": coin, "hour_utc": hour, "side": side}
        now = _Now(*(rows[c].to_numpy() for c in ("exchange", "price_bucket", "notional_usd")))
        inside = now.inside(side, float(str(about["mark_price"])))
        if len(inside) == 0:
            continue
        trailing = profiles.trailing(hour)
        # only the side's own range: beyond the mark there is nothing, which is no neighbourhood
        start = int(inside.min()) - profiles.first
        profile = trailing[-1][start : int(inside.max()) - profiles.first + 1]
        for rank, (each, usd, strength) in enumerate(_largest(profile, side), start=1):
            moved = Range(each.first + start, each.last + start, each.peak + start)
            found = {"rank": rank, "notional_usd": usd, "intensity": strength}
            yield about | found | _cluster(moved, profiles, trailing, now, about)


@dataclass(frozen=True)
class _Now:
    """What stands in one hour on one side, an entry a venue and bucket."""

    exchange: NDArray[np.object_]
    bucket: Ints
    usd: Floats

    def inside(self, side: str, mark: float) -> Ints:
        """Buckets on the side's side of the mean mark: a venue that is carried stands at a mark of its own."""
        return self.bucket[edge(self.bucket) <= mark] if side == "long" else self.bucket[edge(self.bucket + 1) >= mark]

    def shares(self, low: int, high: int) -> str:
        """Each venue's share of the buckets from low to high, as JSON."""
        within = (self.bucket >= low) & (self.bucket <= high)
        sums = {e: float(self.usd[within & (self.exchange == e)].sum()) for e in sorted(set(self.exchange[within]))}
        return json.dumps({exchange: round(usd / sum(sums.values()), 6) for exchange, usd in sums.items()})


def _abouts(levels: pl.DataFrame) -> dict[datetime, dict[str, object]]:
    """What all clusters of an hour share, by hour. Their mark is the mean of the venues' marks."""
    firsts = [pl.col(c).first() for c in ("mark_price", "parameters_version", "source")]
    venues = levels.group_by("hour_utc", "exchange", maintain_order=True).agg(*firsts, pl.col("is_stale").any())
    hourly = venues.group_by("hour_utc", maintain_order=True).agg(
        pl.col("mark_price").mean(), *firsts[1:], pl.col("is_stale").any()
    )
    return {row.pop("hour_utc"): row for row in hourly.to_dicts()}


def _largest(profile: Floats, side: str) -> list[tuple[Range, float, float]]:
    """The largest ranges with their notional and intensity; where nothing stands around, nothing stands out."""
    first, stop = (_FAR_END, len(profile)) if side == "long" else (0, len(profile) - _FAR_END)
    taken = [r for r in detect(profile) if first <= r.first and r.last < stop]
    found = [(r, float(profile[r.first : r.last + 1].sum()), intensity(profile, r)) for r in taken]
    standing_out = [each for each in found if 1 < each[2] < np.inf]
    return sorted(standing_out, key=lambda each: (-each[1], each[0].first))[:MOST]


def _cluster(
    found: Range, profiles: _Profiles, trailing: Floats, now: _Now, about: dict[str, object]
) -> dict[str, object]:
    low, high, peak = (profiles.first + b for b in (found.first, found.last, found.peak))
    near = float(edge(high + 1)) if about["side"] == "long" else float(edge(low))
    mark = float(str(about["mark_price"]))
    return {
        "cluster_id": f"{about['coin']}-{about['side']}-{low}-{high}",
        "price_low": float(edge(low)),
        "price_high": float(edge(high + 1)),
        "price_peak": float(middle(peak)),
        "intensity_z": _z(trailing[:, found.first : found.last + 1].sum(axis=1)),
        "distance_bp": max(abs(near / mark - 1) * 10_000 if (near < mark) == (about["side"] == "long") else 0.0, 0.0),
        "exchange_shares": now.shares(low, high),
    }


def _z(history: Floats) -> float | None:
    """The last value against all, in standard deviations; None over too few hours or where nothing ever moved."""
    spread = float(history.std()) if len(history) >= _LEAST_HISTORY else 0.0
    return (float(history[-1]) - float(history.mean())) / spread if spread > 0 else None
