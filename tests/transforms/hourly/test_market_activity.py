"""Market activity at the start of a day: only the days before it count."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from transforms.hourly.market_activity import LOOKS_BACK, MarketActivity
from transforms.model.clusters.market_impact import PRIOR

DAY = date(2026, 3, 1)
HOUR = timedelta(hours=1)


def bars(first: date, days: int, minutes: int = 60, seed: int = 1) -> pl.DataFrame:
    """Return one exchange's bars, with taker buys in rising bars."""
    count = days * 24 * 60 // minutes
    moved = np.random.default_rng(seed).standard_normal(count) / 100
    volume = np.full(count, 10.0)
    opened = [datetime.combine(first, datetime.min.time()) + i * timedelta(minutes=minutes) for i in range(count)]
    return pl.DataFrame(
        {
            "exchange": "binance", "instrument": "BTCUSDT", "open_utc": opened, "interval_minutes": minutes,
            "open": 100.0, "close": 100 * np.exp(moved), "volume_base": volume,
            "taker_buy_base": volume * (0.5 + 0.4 * np.sign(moved)),
        }
    ).with_columns(pl.col("open_utc").cast(pl.Datetime("ms")))  # fmt: skip


def test_day_itself_and_later_days_are_ignored() -> None:
    before, after = bars(DAY - LOOKS_BACK, 30), bars(DAY, 3, seed=2)
    assert MarketActivity(pl.concat([before, after])).before(DAY) == MarketActivity(before).before(DAY)
    assert MarketActivity(before).before(DAY).constant.is_fitted


def test_days_before_the_look_back_are_ignored() -> None:
    kept, older = bars(DAY - LOOKS_BACK, 30), bars(DAY - LOOKS_BACK - timedelta(days=5), 5, seed=3)
    assert MarketActivity(pl.concat([older, kept])).before(DAY) == MarketActivity(kept).before(DAY)


def test_order_of_bars_does_not_matter() -> None:
    some = bars(DAY - LOOKS_BACK, 10, minutes=5)
    assert MarketActivity(some.sample(fraction=1, shuffle=True, seed=4)).before(DAY) == MarketActivity(some).before(DAY)


def test_hour_with_a_missing_bar_is_ignored() -> None:
    some = bars(DAY - timedelta(days=1), 1, minutes=5)
    lacking = some.filter(pl.col("open_utc").dt.minute() != 20)
    assert MarketActivity(lacking).before(DAY).impact is None


def test_unknown_taker_removes_flow_but_keeps_volume() -> None:
    some = bars(DAY - timedelta(days=10), 10, minutes=5)
    blind = pl.when(pl.col("open_utc").dt.minute() == 20).then(None).otherwise(pl.col("taker_buy_base"))
    known = MarketActivity(some.with_columns(blind.alias("taker_buy_base"))).before(DAY)
    assert known.constant == PRIOR
    assert known.daily_volume_usd == MarketActivity(some).before(DAY).daily_volume_usd


def test_exchanges_are_summed() -> None:
    one = bars(DAY - timedelta(days=10), 10)
    other = one.with_columns(pl.lit("okx").alias("exchange"))
    alone, both = MarketActivity(one).before(DAY), MarketActivity(pl.concat([one, other])).before(DAY)
    assert both.daily_volume_usd == pytest.approx(2 * (alone.daily_volume_usd or 0))
    assert both.daily_volatility == pytest.approx(alone.daily_volatility)
    assert both.constant.y == pytest.approx(alone.constant.y)
