"""mart.cascade_risk: where a liquidation cascade would start, where it would end, and how much it would amplify."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import polars as pl

from expectations.tables import table
from transforms.hourly.map_hour import Profile, Row, hourly_attributes
from transforms.hourly.market_activity import ImpactInputs, MarketActivity
from transforms.model.clusters.cascade import NOTHING, Cascade, cascade
from transforms.model.estimator import MAP_RANGE
from transforms.model.price_grid import Floats, bucket, edge

TABLE = table("cascade_risk")

_BucketUsd = tuple[int, Floats]
"""The lowest bucket with any notional, and the notional (USD) of each bucket from there to the highest."""


def build(
    liquidation_levels: pl.DataFrame, position_ledger: pl.DataFrame, price_bars: pl.DataFrame, *, coin: str
) -> pl.DataFrame:
    """Return a row per side of each hour in `liquidation_levels`.

    price_bars: the coin's, including the 30 days before each hour.
    """
    activity, hourly = MarketActivity(price_bars), hourly_attributes(position_ledger)
    sides = {side: dict(_profiles(liquidation_levels.filter(pl.col("side") == side))) for side in ("long", "short")}
    rows = [
        hourly[hour]
        | {"hour_utc": hour, "side": side}
        | _row(side, hourly[hour], profiles.get(hour), activity.before(hour.date()))
        for hour in liquidation_levels["hour_utc"].unique().sort()
        for side, profiles in sides.items()
    ]
    schema = {c: t for c, t in TABLE.schema.items() if c not in TABLE.partition}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return TABLE.conform(frame.with_columns(pl.lit(coin).alias("coin"), pl.col("hour_utc").dt.date().alias("date")))


def _profiles(levels: pl.DataFrame) -> Iterator[tuple[datetime, _BucketUsd]]:
    """Yield each hour's dollars by bucket, from the lowest bucket that holds any to the highest."""
    profile = Profile.of(levels)
    for hour, usd in zip(profile.hours.tolist(), profile.usd, strict=True):
        held = np.flatnonzero(usd)
        if len(held):
            yield hour, (profile.first + int(held[0]), usd[held[0] : held[-1] + 1])


def _row(side: str, attributes: Row, profile: _BucketUsd | None, inputs: ImpactInputs) -> Row:
    mark = float(str(attributes["mark_price"]))
    found = _find_cascade(side, mark, profile, inputs)
    trigger, exhaustion = (_price_and_bp(side, mark, distance) for distance in (found.trigger, found.exhaustion))
    return {
        "trigger_price": trigger[0],
        "trigger_bp": trigger[1],
        "exhaustion_price": exhaustion[0],
        "exhaustion_bp": exhaustion[1],
        "is_open_ended": found.is_open_ended,
        "amplification": found.amplification,
        "largest_ratio": found.largest,
        "largest_ratio_price": _price_and_bp(side, mark, found.largest_at)[0],
        "impact_y": inputs.constant.y,
        "impact_y_low": inputs.constant.low,
        "impact_y_high": inputs.constant.high,
        "impact_is_fitted": inputs.constant.is_fitted,
        "daily_volatility": inputs.daily_volatility,
        "daily_volume_usd": inputs.daily_volume_usd,
    }


def _find_cascade(side: str, mark: float, profile: _BucketUsd | None, inputs: ImpactInputs) -> Cascade:
    """Find the cascade between the mark and the end of the map.

    A bucket is reached in full at its far edge: the lower one for longs, the upper one for shorts.
    """
    if profile is None or inputs.impact is None:
        return NOTHING
    first, usd = _pad_to_map_range(mark, *profile)
    edges = edge(np.arange(first, first + len(usd) + 1)) / mark
    if side == "long":
        return cascade((1 - edges[:-1])[::-1], np.cumsum(usd[::-1]), inputs.impact)
    return cascade(edges[1:] - 1, np.cumsum(usd), inputs.impact)


def _pad_to_map_range(mark: float, first: int, usd: Floats) -> _BucketUsd:
    """Pad with empty buckets out to the end of the map on either side."""
    below = max(0, first - bucket(mark * (1 - MAP_RANGE)))
    above = max(0, bucket(mark * (1 + MAP_RANGE)) - (first + len(usd) - 1))
    return first - below, np.pad(usd, (below, above))


def _price_and_bp(side: str, mark: float, distance: float | None) -> tuple[float, float] | tuple[None, None]:
    """Return the price (USD) at `distance`, a fraction of the mark, and the distance in basis points."""
    if distance is None:
        return None, None
    return mark * (1 + (distance if side == "short" else -distance)), distance * 1e4
