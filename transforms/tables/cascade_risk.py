"""mart.cascade_risk: whether liquidations would feed themselves, from where, how far, and by how much."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import polars as pl

from expectations.tables import table
from transforms.hourly.map_hour import Profile, Row, hourly_attributes
from transforms.hourly.market_activity import Before, Traded
from transforms.model.clusters.cascade import NOTHING, Cascade, cascade
from transforms.model.estimator import MAP_RANGE
from transforms.model.price_grid import Floats, bucket, edge

TABLE = table("cascade_risk")

_Standing = tuple[int, Floats]
"""The lowest bucket in which anything stands, and the notional (USD) of each bucket from there to the highest."""


def build(
    liquidation_levels: pl.DataFrame, position_ledger: pl.DataFrame, price_bars: pl.DataFrame, *, coin: str
) -> pl.DataFrame:
    """Both sides of each hour in `liquidation_levels`; price_bars: of the coin, of the 30 days before each."""
    traded, hourly = Traded(price_bars), hourly_attributes(position_ledger)
    sides = {side: dict(_profiles(liquidation_levels.filter(pl.col("side") == side))) for side in ("long", "short")}
    rows = [
        hourly[hour]
        | {"hour_utc": hour, "side": side}
        | _row(side, hourly[hour], standing.get(hour), traded.before(hour.date()))
        for hour in liquidation_levels["hour_utc"].unique().sort()
        for side, standing in sides.items()
    ]
    schema = {c: t for c, t in TABLE.schema.items() if c not in TABLE.partition}
    made = pl.DataFrame(rows, schema=schema, orient="row")
    return TABLE.conform(made.with_columns(pl.lit(coin).alias("coin"), pl.col("hour_utc").dt.date().alias("date")))


def _profiles(levels: pl.DataFrame) -> Iterator[tuple[datetime, _Standing]]:
    """The dollars of each hour by bucket, from the lowest bucket that holds any to the highest."""
    profile = Profile.of(levels)
    for hour, usd in zip(profile.hours.tolist(), profile.usd, strict=True):
        held = np.flatnonzero(usd)
        if len(held):
            yield hour, (profile.first + int(held[0]), usd[held[0] : held[-1] + 1])


def _row(side: str, about: Row, standing: _Standing | None, known: Before) -> Row:
    mark = float(str(about["mark_price"]))
    found = _found(side, mark, standing, known)
    trigger, exhaustion = (_place(side, mark, distance) for distance in (found.trigger, found.exhaustion))
    return {
        "trigger_price": trigger[0],
        "trigger_bp": trigger[1],
        "exhaustion_price": exhaustion[0],
        "exhaustion_bp": exhaustion[1],
        "is_open_ended": found.is_open_ended,
        "amplification": found.amplification,
        "largest_ratio": found.largest,
        "largest_ratio_price": _place(side, mark, found.largest_at)[0],
        "impact_y": known.constant.y,
        "impact_y_low": known.constant.low,
        "impact_y_high": known.constant.high,
        "impact_is_fitted": known.constant.is_fitted,
        "daily_volatility": known.daily_volatility,
        "daily_volume_usd": known.daily_volume_usd,
    }


def _found(side: str, mark: float, standing: _Standing | None, known: Before) -> Cascade:
    """From the mark to the map's end: of longs the lower edge of a bucket is the far one, of shorts the upper."""
    if standing is None or known.impact is None:
        return NOTHING
    first, usd = _to_the_end(mark, *standing)
    edges = edge(np.arange(first, first + len(usd) + 1)) / mark
    if side == "long":
        return cascade((1 - edges[:-1])[::-1], np.cumsum(usd[::-1]), known.impact)
    return cascade(edges[1:] - 1, np.cumsum(usd), known.impact)


def _to_the_end(mark: float, first: int, usd: Floats) -> _Standing:
    """With the buckets in which nothing stands, out to where the map ends on either side."""
    below = max(0, first - bucket(mark * (1 - MAP_RANGE)))
    above = max(0, bucket(mark * (1 + MAP_RANGE)) - (first + len(usd) - 1))
    return first - below, np.pad(usd, (below, above))


def _place(side: str, mark: float, distance: float | None) -> tuple[float, float] | tuple[None, None]:
    """The price at a distance (of 1) from the mark, USD, and that distance in basis points."""
    if distance is None:
        return None, None
    return mark * (1 + (distance if side == "short" else -distance)), distance * 1e4
