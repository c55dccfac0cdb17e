"""How far the prior is off where every position is known, on markets that are not shipped. Measures: `make bench`."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from rich.table import Table as Grid

from transforms.model.assumptions import prior
from transforms.model.distance_profile import Contract
from transforms.model.hour import Bar, advance
from transforms.model.liquidation_price import Tiers
from transforms.model.population import BREADTH, Population
from transforms.model.price_grid import middle

SHARED = Path(__file__).parents[3] / "shared"
KNOWN = SHARED / "known_positions"
BRACKETS = SHARED / "recorded" / "binance_leverage_brackets_2026-05-01.json"
MARKETS, DISTANCES, FLOOR_USD = (1, 2, 3), (0.01, 0.02, 0.03, 0.05, 0.10), 100_000.0
WINDOWS = ("all", "1d")  # in the order of a population's ages
SIDES = {"long": (+1, "taker_buy_base"), "short": (-1, "taker_sell_base")}
BAR_MS, BARS_AN_HOUR, HOUR_MS = 300_000, 12, 3_600_000
BY = ["exchange", "at_ms", "side", "window", "distance"]
Row = tuple[str, int, str, str, float, float]
AT_HAND = KNOWN.is_dir() and BRACKETS.is_file()
pytestmark = pytest.mark.skipif(not AT_HAND, reason="no markets of known positions beside the project (../shared)")


def binance_tiers() -> Tiers:
    """The maintenance tiers of all three venues of these markets."""
    rows: list[dict[str, Any]] = json.loads(BRACKETS.read_text())["BTC/USDT:USDT"]
    names = ("notionalCap", "maintMarginRatio", "cum", "initialLeverage")
    cap, rate, deduction, leverage = (tuple(float(row[name]) for row in rows) for name in names)
    return Tiers(cap, rate, deduction, leverage)


def estimated(published: pl.DataFrame, times: set[int]) -> pl.DataFrame:
    """Cumulative dollars at each time and distance, from what one market published before."""
    tiers = binance_tiers()
    rows = [
        row
        for bars in published.sort("open_ms").partition_by("exchange")
        for side in SIDES
        for row in followed(bars, tiers, side, times)
    ]
    return pl.DataFrame(rows, schema=[*BY, "estimate"], orient="row")


def followed(published: pl.DataFrame, tiers: Tiers, side: str, times: set[int]) -> Iterator[Row]:
    """One side of one venue, hour by hour."""
    s, taker = SIDES[side]
    exchange = published["exchange"][0]
    # these markets have Binance's tiers everywhere, and Bybit's are taken to be applied at the mark, as Binance does
    contract = Contract("binance" if exchange == "bybit" else exchange, "linear", tiers)
    crowd = Population.empty(s, float(published["open"][0]))
    for rows in published.iter_slices(BARS_AN_HOUR):
        values = rows.select("open", "high", "low", "close", taker, "open_interest_base").rows()
        end_ms = int(rows["open_ms"][-1]) + BAR_MS
        bars = [Bar(1 / BARS_AN_HOUR, *each) for each in values]
        advance(crowd, bars, contract, prior(), end_ms // HOUR_MS)
        if end_ms in times:
            for window, distance, usd in cumulative(crowd):
                yield exchange, end_ms, side, window, distance, usd


def cumulative(crowd: Population) -> Iterator[tuple[str, float, float]]:
    """Dollars between the mark and each distance, of all and of those opened in the last day."""
    prices = middle(np.arange(crowd.origin, crowd.origin + BREADTH))
    ahead = crowd.s * (1.0 - prices / crowd.mark)  # of the mark, on the side where this crowd is liquidated
    for age, window in enumerate(WINDOWS):
        dollars = crowd.cells[age].sum(axis=(0, 1)) * prices
        for distance in DISTANCES:
            yield window, distance, float(dollars[(ahead >= 0.0) & (ahead <= distance)].sum())


def known(truth: pl.DataFrame) -> pl.DataFrame:
    """The same sums of what truly stands."""
    away = ((pl.col("low") * pl.col("high")).sqrt() / pl.col("mark_price") - 1.0).abs()
    sums = [
        truth.filter(away <= distance)
        .with_columns(pl.lit(distance).alias("distance"))
        .group_by(BY)
        .agg(pl.col("usd").sum().alias("truth"))
        for distance in DISTANCES
    ]
    return pl.concat(sums)


@pytest.mark.parametrize("market", MARKETS)
def test_the_prior_where_positions_are_known(market: int) -> None:
    files = (KNOWN / "published_5m.parquet", KNOWN / "true_map.parquet")
    published, truth = (pl.read_parquet(file).filter(pl.col("market") == market) for file in files)
    both = estimated(published, set(truth["at_ms"])).join(known(truth), on=BY, how="left").fill_null(0.0)
    floored = (pl.col(name).clip(lower_bound=FLOOR_USD).log() for name in ("estimate", "truth"))
    factors = both.with_columns(factor=(next(floored) - next(floored)).abs().exp())
    grid = Grid("window", "median factor", "sums", title=f"The prior on known market {market}")
    for window in WINDOWS:
        of_window = factors.filter(pl.col("window") == window)["factor"].to_list()
        assert min(of_window) >= 1.0
        grid.add_row(window, f"{statistics.median(of_window):.2f}", str(len(of_window)))
    Console(width=100).print(grid)
