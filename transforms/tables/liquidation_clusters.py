"""mart.liquidation_clusters: ranges that stand out from their neighbourhood, venues added up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from expectations.tables import table
from transforms.model.clusters import Range, detect, intensity
from transforms.model.price_grid import Floats, edge, middle

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
    for (hour,), now in wanted.partition_by("hour_utc", as_dict=True, maintain_order=True).items():
        about = _about(now) | {"coin": coin, "hour_utc": hour, "side": side}
        mark = pl.lit(about["mark_price"])
        # A venue that is carried stands at a mark of its own: what it puts beyond the mean of the marks is no cluster.
        own = now.filter(pl.col("price_low") <= mark if side == "long" else pl.col("price_high") >= mark)
        if own.is_empty():
            continue
        trailing = profiles.trailing(hour)
        # only the side's own range: beyond the mark there is nothing, which is no neighbourhood
        buckets = own["price_bucket"].to_numpy()
        inside = slice(int(buckets.min()) - profiles.first, int(buckets.max()) - profiles.first + 1)
        for rank, (each, usd, strength) in enumerate(_largest(trailing[-1][inside], side), start=1):
            moved = Range(each.first + inside.start, each.last + inside.start, each.peak + inside.start)
            yield (
                about
                | {"rank": rank, "notional_usd": usd, "intensity": strength}
                | _cluster(moved, profiles, trailing, now, about)
            )


def _about(now: pl.DataFrame) -> dict[str, object]:
    """What all clusters of one hour and side share."""
    marks = now.group_by("exchange", maintain_order=True).agg(pl.col("mark_price").first())["mark_price"].to_numpy()
    return {
        "mark_price": float(marks.mean()),
        "is_stale": bool(now["is_stale"].any()),
        "parameters_version": now["parameters_version"][0],
        "source": now["source"][0],
    }


def _largest(profile: Floats, side: str) -> list[tuple[Range, float, float]]:
    """The largest ranges with their notional and intensity; where nothing stands around, nothing stands out."""
    first, stop = (_FAR_END, len(profile)) if side == "long" else (0, len(profile) - _FAR_END)
    taken = [r for r in detect(profile) if first <= r.first and r.last < stop]
    found = [(r, float(profile[r.first : r.last + 1].sum()), intensity(profile, r)) for r in taken]
    standing_out = [each for each in found if 1 < each[2] < np.inf]
    return sorted(standing_out, key=lambda each: (-each[1], each[0].first))[:MOST]


def _cluster(
    found: Range, profiles: _Profiles, trailing: Floats, now: pl.DataFrame, about: dict[str, object]
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
        "exchange_shares": _shares(now.filter(pl.col("price_bucket").is_between(low, high))),
    }


def _z(history: Floats) -> float | None:
    """The last value against all, in standard deviations; None over too few hours or where nothing ever moved."""
    spread = float(history.std()) if len(history) >= _LEAST_HISTORY else 0.0
    return (float(history[-1]) - float(history.mean())) / spread if spread > 0 else None


def _shares(levels: pl.DataFrame) -> str:
    sums = dict(levels.group_by("exchange").agg(pl.col("notional_usd").sum()).sort("exchange").iter_rows())
    total = sum(sums.values())
    return json.dumps({exchange: round(usd / total, 6) for exchange, usd in sums.items()})
