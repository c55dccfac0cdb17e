"""Hourly returns, volume and taker flow from the bars of all exchanges: the inputs of the market-impact law.

Bars have 5 or 60 minutes; hourly aggregates make the impact constant Y independent of which. An exchange's hour counts
only if its bars cover it in full, and its volume or flow only if every bar has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from math import fsum

import polars as pl

from transforms.model.clusters.market_impact import PRIOR, Constant, Hour, Impact, daily_volatility, fit

LOOKS_BACK = timedelta(days=30)
"""Full days before a day from which its impact is fitted: enough to know Y to about a fifth, yet still recent."""

_SERIES = ("exchange", "instrument")
_Row = tuple[datetime, str, str, float, float | None, float | None]


@dataclass(frozen=True)
class ImpactInputs:
    """Inputs of the impact law at the start of a day: volatility as a fraction, volume in USD; None where unknown."""

    constant: Constant
    daily_volatility: float | None
    daily_volume_usd: float | None

    @property
    def impact(self) -> Impact | None:
        """The impact law with these inputs; None where one is missing."""
        if self.daily_volatility is None or self.daily_volume_usd is None:
            return None
        return Impact(self.constant, self.daily_volatility, self.daily_volume_usd)


class MarketActivity:
    """Fully covered hours of one coin's `price_bars`, and the impact inputs they give by day."""

    def __init__(self, price_bars: pl.DataFrame) -> None:
        self.rows = _whole_hours(price_bars)
        self.by_day: dict[date, ImpactInputs] = {}

    def before(self, day: date) -> ImpactInputs:
        """Return the inputs from the LOOKS_BACK days before `day`, without the day itself."""
        if day not in self.by_day:
            days = pl.col("hour").dt.date()
            rows = self.rows.filter((days >= day - LOOKS_BACK) & (days < day)).rows()
            self.by_day[day] = _impact_inputs(rows)
        return self.by_day[day]


def _whole_hours(price_bars: pl.DataFrame) -> pl.DataFrame:
    """Return hour, exchange, instrument, log return, volume and net taker flow (USD, null where unknown)."""
    hour = pl.col("open_utc").dt.truncate("1h").alias("hour")
    usd, bought = pl.col("volume_base") * pl.col("close"), pl.col("taker_buy_base") * pl.col("close")
    hours = (
        price_bars.sort(*_SERIES, "open_utc")
        .group_by(hour, *_SERIES, maintain_order=True)
        .agg(
            pl.col("interval_minutes").sum(),
            (pl.col("close").last() / pl.col("open").first()).log().alias("log_return"),
            *(
                pl.when(each.null_count() == 0).then(each.sum()).alias(name)
                for name, each in (("usd", usd), ("flow", 2 * bought - usd))
            ),
        )
    )
    whole = hours.filter(pl.col("interval_minutes") == 60).drop("interval_minutes")
    return whole.sort("hour", maintain_order=True)


def _impact_inputs(rows: list[_Row]) -> ImpactInputs:
    daily = _daily_volumes(rows)
    hours = list(_hours(rows, daily))
    volatility = daily_volatility(hours)
    constant = fit(hours, volatility) if volatility else PRIOR
    return ImpactInputs(constant, volatility, fsum(daily.values()) or None)


def _daily_volumes(rows: list[_Row]) -> dict[tuple[str, str], float]:
    """Return each contract's average daily volume (USD); contracts without any known volume are left out."""
    hourly: dict[tuple[str, str], list[float]] = {}
    for _, exchange, instrument, _, usd, _ in rows:
        if usd is not None:
            hourly.setdefault((exchange, instrument), []).append(usd)
    return {series: 24 * fsum(usd) / len(usd) for series, usd in hourly.items()}


def _hours(rows: list[_Row], daily: dict[tuple[str, str], float]) -> Iterator[Hour]:
    """Yield each hour over all contracts. Contracts with unknown flow are assumed to have the flow of the others."""
    for hour, group in groupby(rows, key=lambda row: row[0]):
        same = list(group)
        flows = {(exchange, instrument): flow for _, exchange, instrument, _, _, flow in same if flow is not None}
        volume = fsum(daily[series] for series in flows)
        moved = fsum(row[3] for row in same) / len(same)
        yield Hour(hour.toordinal(), moved, fsum(flows.values()) / volume if volume > 0 else None)
