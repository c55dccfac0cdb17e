"""The square-root law on hourly data: its constant and the best-fitting power. Run: `make bench`.

Recorded bars lack the taker side. The sign of each 5-minute return times its volume replaces it: this derives flow
from price, so it shows the relation of returns and volume, not the impact of taker orders. The simulated markets with
known positions publish their taker volume.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from rich.table import Table as Grid

from transforms.model.clusters.market_impact import Hour, daily_volatility, fit
from transforms.model.price_grid import Floats

SHARED = Path(__file__).parents[3] / "shared"
RECORDED, KNOWN = SHARED / "recorded/binance_klines_5m.parquet", SHARED / "known_positions/published_5m.parquet"
POWERS = np.arange(0.2, 1.61, 0.02)


def recorded() -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield 5-minute bars by coin, with volume and flow in coins."""
    bars = pl.read_parquet(RECORDED).sort("open_ms")
    moved = (pl.col("close") / pl.col("open")).log().sign()
    for (symbol,), of in bars.partition_by("symbol", as_dict=True).items():
        yield (
            f"recorded {symbol}",
            of.with_columns(pl.col("volume_base").alias("volume"), flow=moved * pl.col("volume_base")),
        )


def known() -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the bars of all exchanges by market."""
    buys, sells = pl.col("taker_buy_base"), pl.col("taker_sell_base")
    bars = pl.read_parquet(KNOWN).sort("open_ms").with_columns(volume=buys + sells, flow=buys - sells)
    for (market,), of in bars.partition_by("market", as_dict=True).items():
        yield f"known market {market}", of


def hours(bars: pl.DataFrame) -> list[Hour]:
    """Return hours summed over bars, with the first open and the last close."""
    at = (pl.col("open_ms") // 3_600_000).alias("hour")
    usd = [(pl.col(c) * pl.col("close")).sum().alias(c) for c in ("volume", "flow")]
    prices = pl.col("open").first(), pl.col("close").last()
    rows = bars.group_by(at).agg(*prices, *usd).sort("hour")
    daily = 24 * float(rows["volume"].mean() or 0)
    moved = (rows["close"] / rows["open"]).log()
    return [Hour(h // 24, r, f / daily) for h, r, f in zip(rows["hour"], moved, rows["flow"], strict=True)]


def best_power(flow: Floats, moved: Floats) -> float:
    """Return the power of the flow that explains most of the returns, with a free constant."""
    powered = np.sign(flow) * np.abs(flow)[None, :] ** POWERS[:, None]
    explained = (powered @ moved) ** 2 / (powered**2).sum(axis=1)
    return float(POWERS[explained.argmax()])


@pytest.mark.skipif(not (RECORDED.is_file() and KNOWN.is_file()), reason="no recorded data beside the project")
def test_impact_constant_and_power() -> None:
    grid = Grid("", "hours", "Y", "its range", "volatility of a day", "best power", title="impact of an hour's flow")
    for name, bars in (*recorded(), *known()):
        found = hours(bars)
        volatility = daily_volatility(found)
        assert volatility
        law = fit(found, volatility)
        moved, flow = np.array([h.log_return for h in found]), np.array([h.flow or 0.0 for h in found])
        told = f"{law.low:.2f} to {law.high:.2f}" + ("" if law.is_fitted else " (prior)")
        numbers = f"{len(found)}", f"{law.y:.2f}", told, f"{volatility:.3f}", f"{best_power(flow, moved):.2f}"
        grid.add_row(name, *numbers)
        assert 0 < law.low <= law.y <= law.high
    Console(width=100).print(grid)
