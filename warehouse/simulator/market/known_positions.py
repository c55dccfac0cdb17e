"""Markets with known positions in three Parquet files: published series, liquidations and the true map.

Each market is the simulator's BTC with another crowd, or on another path. All three exchanges have Binance's margin
tiers and rules, so that a reader of the files needs one table of tiers.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from warehouse.simulator.market.book import LONGS, SHORTS, Book
from warehouse.simulator.market.crowd import Habits, habits_of
from warehouse.simulator.market.liquidation import Ladder
from warehouse.simulator.market.listing import COINS, EXCHANGES, Exchange, Instrument, instrument
from warehouse.simulator.market.market import Market
from warehouse.simulator.market.prices import Floats, Prices
from warehouse.simulator.market.seeds import DAY_MS
from warehouse.simulator.market.source import Interval

COIN = "BTC"
FIRST_DAY = 20_209  # 2025-05-01
BAR = Interval(300_000)
TRUTH_EVERY_MS = 6 * 3_600_000
TRUTH_DAYS = 10  # the last ones: positions of the first weeks were mostly opened before the first published bar
BUCKET = 0.0025  # in log price, counted from the mark
BUCKETS_PER_SIDE = 80  # buckets on each side of the mark: 20 % of log price
MOST_HEDGED = 0.95
PATH_SEED_STEP = 1_000_003  # difference between the seeds of two paths

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Crowd:
    """How a crowd and its prices differ from the simulator's own: factors, unless a comment says otherwise."""

    leverage: float = 1.0
    leverage_spread: float = 1.0  # on the spread within a class, in logarithms
    life: float = 1.0
    hedged: float = 0.0  # added to the share of unleveraged holders; positions are hedged in proportion
    heaviness: float = 1.0  # on the spread of sizes, in logarithms: above 1, a few traders hold more of the total
    patience: float = 1.0
    stops: float = 0.0  # share of positions with a stop order
    momentum: float = 1.0
    activity: float = 4.0  # more and smaller positions, at the same open interest
    churn: float = 2.0  # on the volume without a lasting change of positions; at 2, volume is 4 x open interest a day
    volatility: float = 1.0
    drift_a_day: float = 0.0  # in log price
    path: int = 0  # path number: crowds with the same number and seed share a path

    def habits(self, own: Habits) -> Habits:
        """Return an exchange's own habits, changed to those of this crowd."""
        share = max(0.0, own.hedge_share + self.hedged)
        return replace(
            own,
            leverage=own.leverage * self.leverage,
            leverage_sigma=own.leverage_sigma * self.leverage_spread,
            life_days=own.life_days * self.life,
            hedged=np.minimum(own.hedged * (share / own.hedge_share), MOST_HEDGED),
            momentum=own.momentum * self.momentum,
            patience=min(1.0, own.patience * self.patience),
            stops=self.stops,
            size_sigma=own.size_sigma * self.heaviness,
            activity=own.activity * self.activity,
            hedge_share=share,
            churn_a_day=own.churn_a_day * self.churn,
        )


PRESETS: Mapping[str, Crowd] = {
    "plain": Crowd(),
    "low_leverage": Crowd(leverage=0.65),
    "high_leverage": Crowd(leverage=2.2),
    "short_lives": Crowd(life=0.3, activity=8.0),
    "long_lives": Crowd(life=2.5),
    "hedgers": Crowd(hedged=0.35),
    "few_hedgers": Crowd(hedged=-0.14),
    "stormy": Crowd(volatility=1.5, path=1),
    "stops": Crowd(stops=0.8),
}


@lru_cache(maxsize=2)
def _prices(seed: int) -> Prices:
    """Return the paths of a seed, cached because most of its crowds share one path."""
    return Prices(seed)


class SteeredPrices(Prices):
    """A seed's paths with another volatility and drift; they start at the coin's listed price on the first day."""

    def __init__(self, seed: int, crowd: Crowd, first_day: int) -> None:
        super().__init__(seed)
        self._crowd, self._first_day = crowd, first_day
        # only the index and its volatility: entries use the random streams of the seed on every path
        self._drawn = _prices(seed + PATH_SEED_STEP * crowd.path)
        self.volatility = self._drawn.volatility

    def _day_drawn(self, name: str, day: int) -> Floats:
        return self._drawn.path("binance", name, "index", day, day).nodes[:-1]

    def _draw_index(self, name: str, day: int) -> Floats:
        drawn, start = self._day_drawn(name, day), self._day_drawn(name, self._first_day)[0]
        days = day - self._first_day + np.arange(len(drawn)) / len(drawn)
        moved = self._crowd.volatility * np.log(drawn / start) + self._crowd.drift_a_day * days
        index: Floats = COINS[name].price_usd * np.exp(moved)
        return index


class KnownMarket(Market):
    """The simulated market with another crowd."""

    def __init__(self, seed: int, crowd: Crowd, first_day: int = FIRST_DAY) -> None:
        super().__init__(seed)
        self.crowd = crowd
        self.prices = SteeredPrices(seed, crowd, first_day)

    def open_book(self, contract: Instrument) -> Book:
        """Open the position book of a contract with this crowd, under Binance's rules."""
        ladder = Ladder(self.tiers(instrument("binance", contract.coin)), "binance")
        return Book(self.prices, contract, ladder, self.crowd.habits(habits_of(self.seed, contract.exchange)))


def published(market: Market, exchange: Exchange, start_ms: int, end_ms: int) -> pl.DataFrame:
    """Return the published series of an exchange in [start, end), as 5-minute bars: USD per coin, coins, accounts."""
    contract = instrument(exchange, COIN)
    bars = market.bars(contract, "mark", BAR, start_ms, end_ms - 1, end_ms)
    flow = market.flow(contract, BAR, start_ms + BAR.length_ms, end_ms)
    # a bar covers the time before its end, so positions are read just before it too
    last, book = flow.end_ms - 1, market.book(contract)
    state = book.state(last)
    return pl.DataFrame(
        {
            "exchange": exchange,
            "open_ms": bars.open_ms,
            "open": bars.open,
            "high": bars.high,
            "low": bars.low,
            "close": bars.close,
            "open_interest_base": market.units(contract, book.open_lots(last)),
            "taker_buy_base": flow.buy,
            "taker_sell_base": flow.sell,
            "long_accounts": state[:, LONGS].astype(np.int32),
            "short_accounts": state[:, SHORTS].astype(np.int32),
        }
    )


def realised(market: Market, exchange: Exchange, start_ms: int, end_ms: int) -> pl.DataFrame:
    """Return every liquidation of [start, end), at its liquidation price in USD per coin."""
    events = market.realised_liquidations(exchange, COIN, start_ms, end_ms)
    return events.select(pl.lit(exchange).alias("exchange"), "ts_ms", "side", "price", "base")


def true_map(market: Market, exchange: Exchange, at_ms: int) -> pl.DataFrame:
    """Return the notional to liquidate in each price bucket, in USD, by window: all positions, or the last day's."""
    mark = float(market.price_at(instrument(exchange, COIN), "mark", np.array([at_ms], dtype=np.int64))[0])
    positions = market.true_positions(exchange, COIN, at_ms - 1).drop_nulls("liquidation_price")
    price, long = positions["liquidation_price"].to_numpy(), (positions["side"] == "long").to_numpy()
    bucket = np.floor(np.log(price / mark) / BUCKET).astype(np.int64)
    # a level that the mark reaches at this instant counts as ahead of it
    bucket = np.where(long, np.minimum(bucket, -1), np.maximum(bucket, 0))
    windows = {"all": np.full(len(price), True), "1d": (positions["opened_ms"] >= at_ms - DAY_MS).to_numpy()}
    usd = price * positions["base"].to_numpy()
    parts = []
    for window, opened in windows.items():
        chosen = opened & (bucket >= -BUCKETS_PER_SIDE) & (bucket < BUCKETS_PER_SIDE)
        # summed one after another, so that the bytes do not depend on the number of threads
        sums = np.bincount(bucket[chosen] + BUCKETS_PER_SIDE, usd[chosen], 2 * BUCKETS_PER_SIDE)
        filled = np.flatnonzero(sums)
        side = pl.Series("side", np.where(filled < BUCKETS_PER_SIDE, "long", "short"), pl.String)
        low, high = (mark * np.exp((filled - BUCKETS_PER_SIDE + edge) * BUCKET) for edge in (0, 1))
        parts.append(pl.DataFrame({"window": window, "side": side, "low": low, "high": high, "usd": sums[filled]}))
    return pl.concat(parts).select(
        pl.lit(exchange).alias("exchange"),
        pl.lit(at_ms, pl.Int64).alias("at_ms"),
        "window",
        "side",
        pl.lit(mark).alias("mark_price"),
        pl.col("low", "high", "usd"),
    )


def truth_times(days: int) -> range:
    """Return the times of the true maps of a market of ``days`` days, in ms."""
    end_ms = (FIRST_DAY + days) * DAY_MS
    return range(end_ms - min(days, TRUTH_DAYS) * DAY_MS + TRUTH_EVERY_MS, end_ms + 1, TRUTH_EVERY_MS)


def _tables(market: Market, exchange: Exchange, days: int) -> Iterator[tuple[str, pl.DataFrame]]:
    start_ms, end_ms = FIRST_DAY * DAY_MS, (FIRST_DAY + days) * DAY_MS
    yield "published_5m", published(market, exchange, start_ms, end_ms)
    yield "realised_liquidations", realised(market, exchange, start_ms, end_ms)
    yield "true_map", pl.concat([true_map(market, exchange, at_ms) for at_ms in truth_times(days)])


def write(
    directory: Path, crowds: Mapping[int, Crowd], seed: int, days: int = 30, progress: Progress | None = None
) -> None:
    """Write ``published_5m``, ``realised_liquidations`` and ``true_map``, one market per crowd, from 2025-05-01 on.

    The true map is written for every six hours of the last ten days. ``progress`` is called with a text for each
    exchange of each market.
    """
    parts: dict[str, list[pl.DataFrame]] = {}
    for number, crowd in sorted(crowds.items()):
        for exchange in EXCHANGES:
            if progress:
                progress(f"market {number}, {exchange}")
            market = KnownMarket(seed, crowd)  # one per exchange, so that only one exchange's positions are in memory
            for name, frame in _tables(market, exchange, days):
                parts.setdefault(name, []).append(frame.select(pl.lit(number, pl.Int8).alias("market"), pl.all()))
    directory.mkdir(parents=True, exist_ok=True)
    for name, frames in parts.items():
        pl.concat(frames).write_parquet(directory / f"{name}.parquet")
