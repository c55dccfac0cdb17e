"""What the market traded, hour by hour, from the bars of all exchanges: what its impact on the price is known by.

Bars come in 5 and in 60 minutes; taken by the hour, Y does not hang on which. An exchange's hour that is not told whole is
no data, nor is its volume or its flow where one of its bars lacks it.
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
"""The full days before a day that its impact is known by: enough to tell Y to about a fifth, few enough to be
of the market as it is."""

_SERIES = ("exchange", "instrument")
_Row = tuple[datetime, str, str, float, float | None, float | None]


@dataclass(frozen=True)
class Before:
    """What was known when a day began: of 1, and USD; None where it was not."""

    constant: Constant
    daily_volatility: float | None
    daily_volume_usd: float | None

    @property
    def impact(self) -> Impact | None:
        """The law with these numbers; None while one of them lacks."""
        if self.daily_volatility is None or self.daily_volume_usd is None:
            return None
        return Impact(self.constant, self.daily_volatility, self.daily_volume_usd)


class Traded:
    """The whole hours of `price_bars` (of one coin)."""

    def __init__(self, price_bars: pl.DataFrame) -> None:
        self.rows = _whole_hours(price_bars)
        self.made: dict[date, Before] = {}

    def before(self, day: date) -> Before:
        """From the LOOKS_BACK days before `day`: nothing of the day itself."""
        if day not in self.made:
            days = pl.col("hour").dt.date()
            rows = self.rows.filter((days >= day - LOOKS_BACK) & (days < day)).rows()
            self.made[day] = _known(rows)
        return self.made[day]


def _whole_hours(price_bars: pl.DataFrame) -> pl.DataFrame:
    """Hour, exchange, instrument, log return, and volume and net taker flow (USD, null where not known)."""
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


def _known(rows: list[_Row]) -> Before:
    daily = _daily_volumes(rows)
    hours = list(_hours(rows, daily))
    volatility = daily_volatility(hours)
    constant = fit(hours, volatility) if volatility else PRIOR
    return Before(constant, volatility, fsum(daily.values()) or None)


def _daily_volumes(rows: list[_Row]) -> dict[tuple[str, str], float]:
    """What each contract trades in an average day, USD; without those that never told."""
    told: dict[tuple[str, str], list[float]] = {}
    for _, exchange, instrument, _, usd, _ in rows:
        if usd is not None:
            told.setdefault((exchange, instrument), []).append(usd)
    return {series: 24 * fsum(usd) / len(usd) for series, usd in told.items()}


def _hours(rows: list[_Row], daily: dict[tuple[str, str], float]) -> Iterator[Hour]:
    """Contracts together. Where one's flow is not known, it is taken to be as those are whose is."""
    for hour, of in groupby(rows, key=lambda row: row[0]):
        same = list(of)
        flows = {(exchange, instrument): flow for _, exchange, instrument, _, _, flow in same if flow is not None}
        volume = fsum(daily[series] for series in flows)
        moved = fsum(row[3] for row in same) / len(same)
        yield Hour(hour.toordinal(), moved, fsum(flows.values()) / volume if volume > 0 else None)
