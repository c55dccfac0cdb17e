"""Recorded series behind the same wire servers, which serve only the data in the files.

The files are those of `layouts`: open interest, bars and margin tiers. Taker volumes, ratios, funding and liquidations
are not recorded and are served empty.
"""

from dataclasses import replace
from operator import itemgetter
from pathlib import Path

import numpy as np
import polars as pl

from warehouse.simulator.market.listing import EXCHANGES, Exchange, Instrument, contract_coins, price_decimals
from warehouse.simulator.market.prices import Floats, Ints
from warehouse.simulator.market.source import (
    HOUR_MS,
    BarKind,
    Bars,
    Crowd,
    Flow,
    Funding,
    Interval,
    Liquidations,
    OpenInterest,
    Quote,
    Shares,
    no_bars,
    no_interest,
)
from warehouse.simulator.market.tiers import Tier, bybit_tiers, okx_tiers
from warehouse.simulator.recorded.layouts import Recording, load

SNAP_MS = 300_000  # snapshots are stamped up to minutes after the border that they are for
STALE_MS = 2 * HOUR_MS
OKX_ETH = Tier(0.0, 500.0, 0.004, 0.0, 100.0)  # the only documented tier


def recorded_range(directory: Path) -> tuple[int, int]:
    """Return the first and last instant (unix ms) of the recorded open interest. Raises FileNotFoundError if none."""
    return load(Path(directory)).span


class Recorded:
    """The recorded market in one directory, as a source for the wire servers."""

    label = "recorded"
    dense = False

    def __init__(self, directory: Path) -> None:
        self._frames: Recording = load(Path(directory))
        self._instruments = {exchange: self._listed(exchange) for exchange in EXCHANGES}

    def _listed(self, exchange: Exchange) -> tuple[Instrument, ...]:
        starts: dict[str, int] = {}
        for (name, coin), frame in self._frames.open_interest.items():
            if name == exchange:
                starts[coin] = int(frame["ts_ms"][0])
        for (name, coin, _, _), frame in self._frames.bars.items():
            if name == exchange:
                starts[coin] = min(starts.get(coin, 2**62), int(frame["open_ms"][0]))
        return tuple(_contract(exchange, coin, self._price(coin), starts[coin]) for coin in sorted(starts))

    def _price(self, coin: str) -> float:
        """Return a recorded price of the coin, on any exchange; 1 if there is none."""
        bars = (frame["open"][0] for (_, name, _, _), frame in self._frames.bars.items() if name == coin)
        interest = (frame["price"][0] for (_, name), frame in self._frames.open_interest.items() if name == coin)
        return next((float(price) for price in (*bars, *interest) if price > 0), 1.0)

    def instruments(self, exchange: Exchange) -> tuple[Instrument, ...]:
        """Return the contracts that occur in any file."""
        return self._instruments[exchange]

    def tiers(self, instrument: Instrument) -> tuple[Tier, ...]:
        """Return the recorded margin tiers, else those that the exchange documents; empty if unknown."""
        unit, recorded = self._frames.tiers.get((instrument.exchange, instrument.coin), ("", ()))
        size = instrument.contract_units if unit == "contracts" else 1.0
        tiers = tuple(replace(t, floor=t.floor * size, cap=t.cap * size) for t in recorded)
        documented = {
            ("bybit", "BTC"): bybit_tiers("BTC"),
            ("okx", "BTC"): okx_tiers("BTC", 1.0, 0.01),
            ("okx", "ETH"): (OKX_ETH,),
        }
        return tiers or documented.get((instrument.exchange, instrument.coin), ())

    def open_interest(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> OpenInterest:
        """Return the snapshots on the borders of an interval, with their recorded timestamps (OKX: the borders)."""
        frame = self._frames.open_interest.get((instrument.exchange, instrument.coin))
        if frame is None:
            return no_interest()
        if instrument.exchange == "okx":
            return _sampled(frame, interval.borders(first_ms, last_ms), interval.length_ms)
        stamp = pl.col("ts_ms")
        border = stamp - stamp % SNAP_MS
        on_border = (border - interval.offset_ms) % interval.length_ms == 0
        rows = frame.filter(on_border & stamp.is_between(first_ms, last_ms))
        return _interest(rows.filter(border.is_first_distinct()))

    def open_interest_now(self, instrument: Instrument, now_ms: int) -> OpenInterest:
        """Return the last snapshot; none if it is two hours old or more."""
        frame = self._frames.open_interest.get((instrument.exchange, instrument.coin))
        if frame is None:
            return no_interest()
        return _interest(frame.filter((pl.col("ts_ms") <= now_ms) & (pl.col("ts_ms") > now_ms - STALE_MS)).tail(1))

    def bars(
        self, instrument: Instrument, kind: BarKind, interval: Interval, first_ms: int, last_ms: int, now_ms: int
    ) -> Bars:
        """Return bars resampled from recorded ones that had ended by ``now_ms``; incomplete bars are left out."""
        parts = []
        for length, frame in self._bars_of(instrument, kind):
            if interval.length_ms % length == 0:
                known = frame.filter(
                    (pl.col("open_ms") >= interval.ceil(first_ms))
                    & (pl.col("open_ms") < interval.floor(last_ms) + interval.length_ms)
                    & (pl.col("open_ms") + length <= now_ms)
                )
                parts.append(_resampled(known, interval, length, now_ms))
        if not parts:
            return no_bars()
        rows = pl.concat(parts).unique("open_ms", keep="first", maintain_order=True).sort("open_ms")
        opened, first, high, low, last, volume = (rows[name].to_numpy() for name in rows.columns)
        return Bars(opened, first, high, low, last, volume if kind == "trade" else None)

    def shares(self, instrument: Instrument, crowd: Crowd, interval: Interval, first_ms: int, last_ms: int) -> Shares:
        """Return no rows: this series is not recorded."""
        return Shares(np.zeros(0, np.int64), np.zeros(0))

    def flow(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> Flow:
        """Return no rows: this series is not recorded."""
        return Flow(np.zeros(0, np.int64), *[np.zeros(0)] * 3)

    def funding(self, instrument: Instrument, first_ms: int, last_ms: int) -> Funding:
        """Return no rows: this series is not recorded."""
        return Funding(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    def liquidations(self, instrument: Instrument, first_ms: int, last_ms: int) -> Liquidations:
        """Return no rows: liquidations are not recorded by exchange."""
        return Liquidations(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    def quote(self, instrument: Instrument, now_ms: int) -> Quote:
        """Return the last closes; None for those two hours old or more."""
        last, mark = (self._last_close(instrument, kind, now_ms) for kind in ("trade", "mark"))
        return Quote(mark[0] or last[0] or now_ms, last[1], mark[1], None, None)

    def _bars_of(self, instrument: Instrument, kind: str) -> list[tuple[int, pl.DataFrame]]:
        """Return the recorded bars of a contract by length in ms, the shortest first."""
        own = (instrument.exchange, instrument.coin, kind)
        return sorted(
            ((key[3], frame) for key, frame in self._frames.bars.items() if key[:3] == own), key=itemgetter(0)
        )

    def _last_close(self, instrument: Instrument, kind: str, now_ms: int) -> tuple[int | None, float | None]:
        newest: tuple[int | None, float | None] = (None, None)
        for length, frame in self._bars_of(instrument, kind):
            end = pl.col("open_ms") + length
            rows = frame.filter((end <= now_ms) & (end > now_ms - STALE_MS)).tail(1)
            if len(rows) and (newest[0] is None or rows["open_ms"][0] + length >= newest[0]):
                newest = (int(rows["open_ms"][0]) + length, float(rows["close"][0]))
        return newest


def _contract(exchange: Exchange, coin: str, price: float, launch_ms: int) -> Instrument:
    symbol = f"{coin}-USDT-SWAP" if exchange == "okx" else f"{coin}USDT"
    units = contract_coins(coin, price) if exchange == "okx" else 1.0
    return Instrument(exchange, coin, symbol, coin, 1, price_decimals(price), 3, units, launch_ms)


def _interest(rows: pl.DataFrame) -> OpenInterest:
    return OpenInterest(rows["ts_ms"].to_numpy(), rows["units"].to_numpy(), rows["price"].to_numpy())


def _sampled(frame: pl.DataFrame, border: Ints, length_ms: int) -> OpenInterest:
    """Return the last snapshot of the period that ends at each border; periods without one are left out."""
    stamps: Ints = frame["ts_ms"].to_numpy()
    units: Floats = frame["units"].to_numpy()
    at = np.searchsorted(stamps, border, side="right") - 1
    exists = (at >= 0) & (stamps[np.maximum(at, 0)] > border - length_ms)
    return OpenInterest(border[exists], units[at[exists]], np.full(int(exists.sum()), np.nan))


def _resampled(rows: pl.DataFrame, interval: Interval, length: int, now_ms: int) -> pl.DataFrame:
    border = pl.col("open_ms") - (pl.col("open_ms") - interval.offset_ms) % interval.length_ms
    bars = rows.group_by(border.alias("border"), maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
        pl.len().alias("parts"),
    )
    until = pl.min_horizontal(pl.col("border") + interval.length_ms, pl.lit(now_ms))
    whole = pl.col("parts") == (until - pl.col("border")) // length
    return bars.filter(whole).drop("parts").rename({"border": "open_ms"})
