"""mart.liquidation_clusters: price ranges with far more notional than their surroundings, exchanges added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from expectations.tables import table
from transforms.hourly.map_hour import Profile, Row, hourly_attributes
from transforms.model.clusters.detection import Range, detect, distance_bp, intensity
from transforms.model.price_grid import Floats, edge, middle

TABLE = table("liquidation_clusters")
TRAILING = timedelta(days=7)
MOST = 12
"""Most clusters per side and hour; the largest are kept."""

_FAR_END = 12  # buckets at the far end, which have neighbours on one side only: any slope would look like a cluster
_LEAST_HISTORY = 24  # hours; a z-score over fewer is noise


def build(liquidation_levels: pl.DataFrame, position_ledger: pl.DataFrame, *, coin: str, day: date) -> pl.DataFrame:
    """Return the clusters of each hour of `day`.

    liquidation_levels: the day's, and those of TRAILING before it for the z-scores.
    """
    rows: list[Row] = []
    for side in ("long", "short"):
        levels, ledger = (frame.filter(pl.col("side") == side) for frame in (liquidation_levels, position_ledger))
        rows += _side_rows(levels, hourly_attributes(ledger), day, {"coin": coin, "side": side})
    frame = pl.DataFrame(rows, schema={c: t for c, t in TABLE.schema.items() if c != "date"}, orient="row")
    return TABLE.conform(frame.with_columns(pl.col("hour_utc").dt.date().alias("date")))


def _side_rows(levels: pl.DataFrame, hourly: Mapping[datetime, Row], day: date, attributes: Row) -> Iterator[Row]:
    profile = Profile.of(levels)
    for at, hour in enumerate(profile.hours.tolist()):
        if hour.date() == day:
            since = int(np.searchsorted(profile.hours, np.datetime64(hour - TRAILING), side="right"))
            usd = profile.usd[since : at + 1]
            yield from _hour_rows(usd, profile.first, attributes | {"hour_utc": hour} | hourly[hour])


def _hour_rows(trailing: Floats, first: int, attributes: Row) -> Iterator[Row]:
    """Yield the clusters of an hour. trailing: USD [hours, buckets from `first`]; its last row is the hour itself."""
    # Only this side's range: the empty buckets beyond the mark would count as surroundings.
    inside = _inside(trailing[-1], first, attributes["side"], float(str(attributes["mark_price"])))
    profile = trailing[-1, inside]
    for rank, (each, usd, strength) in enumerate(_largest(profile, attributes["side"]), start=1):
        found = Range(each.first + inside.start, each.last + inside.start, each.peak + inside.start)
        history = trailing[:, found.first : found.last + 1].sum(axis=1)
        own = {"rank": rank, "notional_usd": usd, "intensity": strength, "intensity_z": _z_score(history)}
        yield attributes | own | _describe_range(found, first, attributes)


def _inside(usd: Floats, first: int, side: object, mark: float) -> slice:
    """Return the held buckets on this side of the mean mark.

    A carried exchange has a mark of its own, so its buckets may reach beyond the mean mark.
    """
    held = np.flatnonzero(usd)
    own = held[edge(held + first) <= mark] if side == "long" else held[edge(held + first + 1) >= mark]
    return slice(int(own[0]), int(own[-1]) + 1) if len(own) else slice(0, 0)


def _largest(profile: Floats, side: object) -> list[tuple[Range, float, float]]:
    """Return the largest ranges with their notional and intensity.

    A range in empty surroundings (infinite intensity) is not a cluster.
    """
    first, stop = (_FAR_END, len(profile)) if side == "long" else (0, len(profile) - _FAR_END)
    inner = [r for r in detect(profile) if first <= r.first and r.last < stop]
    found = [(r, float(profile[r.first : r.last + 1].sum()), intensity(profile, r)) for r in inner]
    clusters = [each for each in found if 1 < each[2] < np.inf]
    return sorted(clusters, key=lambda each: (-each[1], each[0].first))[:MOST]


def _describe_range(found: Range, first: int, attributes: Row) -> Row:
    """Return the range's identifier, its prices and its distance to the mark."""
    low, high, peak = (first + b for b in (found.first, found.last, found.peak))
    lower, upper = edge(np.array([low, high + 1])).tolist()
    mark = float(str(attributes["mark_price"]))
    return {
        "cluster_id": f"{attributes['coin']}-{attributes['side']}-{low}-{high}",
        "price_low": lower,
        "price_high": upper,
        "price_peak": float(middle(peak)),
        "distance_bp": distance_bp(str(attributes["side"]), lower, upper, mark),
    }


def _z_score(history: Floats) -> float | None:
    """Return the z-score of the last value among all; None with too few hours or no variation."""
    spread = float(history.std()) if len(history) >= _LEAST_HISTORY else 0.0
    return (float(history[-1]) - float(history.mean())) / spread if spread > 0 else None
