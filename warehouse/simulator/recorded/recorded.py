"""Recorded series behind the same wire servers, which serve only the data in the files.

The files are those of `recorded_files`, each optional. They have open interest, trade bars and, for Binance, hourly
mark bars. Taker volumes, ratios, funding and liquidations are not recorded and are served empty.
"""

import json
from pathlib import Path

import numpy as np
import polars as pl

from warehouse.simulator.market.listing import (
    COINS,
    EXCHANGES,
    Exchange,
    Instrument,
    contract_coins,
    price_decimals,
    symbol_of,
)
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
from warehouse.simulator.recorded.recorded_files import BINANCE_INTEREST, Frames, load

BRACKETS = "binance_leverage_brackets_2026-05-01.json"
STALE_MS = 2 * HOUR_MS
OKX_ETH = Tier(0.0, 500.0, 0.004, 0.0, 100.0)  # the only documented tier


def recorded_range(directory: Path) -> tuple[int, int]:
    """Return the first and last instant (unix ms) of the recorded Binance open interest."""
    rows = pl.read_parquet(Path(directory) / BINANCE_INTEREST[0], columns=["ts_ms"])
    return rows.select(first=pl.col("ts_ms").min(), last=pl.col("ts_ms").max()).row(0)


class Recorded:
    """The recorded market in one directory, as a source for the wire servers."""

    label = "recorded"
    dense = False

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        self._frames: Frames = load(self.directory)
        self._instruments = {exchange: self._listed(exchange) for exchange in EXCHANGES}
        self._brackets = self._read_brackets()

    def _listed(self, exchange: Exchange) -> tuple[Instrument, ...]:
        starts: dict[str, int] = {}
        for (name, coin), frame in self._frames.open_interest.items():
            if name == exchange:
                starts[coin] = int(frame["ts_ms"][0])
        for (name, coin, _, _), frame in self._frames.bars.items():
            if name == exchange:
                starts[coin] = min(starts.get(coin, 2**62), int(frame["open_ms"][0]))
        return tuple(self._contract(exchange, coin, starts[coin]) for coin in COINS if coin in starts)

    def _contract(self, exchange: Exchange, coin: str, launch_ms: int) -> Instrument:
        places = price_decimals(COINS[coin].price_usd)
        units = contract_coins(coin) if exchange == "okx" else 1.0
        return Instrument(exchange, coin, symbol_of(exchange, coin), coin, 1, places, 3, units, launch_ms)

    def _read_brackets(self) -> dict[str, tuple[Tier, ...]]:
        path = self.directory / BRACKETS
        if not path.exists():
            return {}
        rows = json.loads(path.read_text())
        return {
            name.split("/")[0]: tuple(
                Tier(b["notionalFloor"], b["notionalCap"], b["maintMarginRatio"], b["cum"], b["initialLeverage"])
                for b in brackets
            )
            for name, brackets in rows.items()
        }

    def instruments(self, exchange: Exchange) -> tuple[Instrument, ...]:
        """Return the contracts that occur in any file."""
        return self._instruments[exchange]

    def tiers(self, instrument: Instrument) -> tuple[Tier, ...]:
        """Return the margin tiers: recorded for Binance, documented for Bybit and OKX; empty if unknown."""
        if instrument.exchange == "binance":
            return self._brackets.get(instrument.coin, ())
        documented = {
            ("bybit", "BTC"): bybit_tiers("BTC"),
            ("okx", "BTC"): okx_tiers("BTC", 1.0, 0.01),
            ("okx", "ETH"): (OKX_ETH,),
        }
        return documented.get((instrument.exchange, instrument.coin), ())

    def open_interest(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> OpenInterest:
        """Return the snapshots on the borders of an interval, with their recorded timestamps (OKX: the borders)."""
        frame = self._frames.open_interest.get((instrument.exchange, instrument.coin))
        if frame is None:
            return no_interest()
        if instrument.exchange == "okx":
            return _sampled(frame, interval.borders(first_ms, last_ms), interval.length_ms)
        grid = 300_000 if instrument.exchange == "binance" else HOUR_MS
        stamp = frame["ts_ms"]
        border = (stamp - stamp % grid - interval.offset_ms) % interval.length_ms == 0
        return _interest(frame.filter(border & (stamp >= first_ms) & (stamp <= last_ms)))

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
        for length in (300_000, HOUR_MS):
            frame = self._frames.bars.get((instrument.exchange, instrument.coin, kind, length))
            if frame is not None and interval.length_ms % length == 0:
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

    def _last_close(self, instrument: Instrument, kind: str, now_ms: int) -> tuple[int | None, float | None]:
        newest: tuple[int | None, float | None] = (None, None)
        for length in (HOUR_MS, 300_000):
            frame = self._frames.bars.get((instrument.exchange, instrument.coin, kind, length))
            if frame is None:
                continue
            end = pl.col("open_ms") + length
            rows = frame.filter((end <= now_ms) & (end > now_ms - STALE_MS)).tail(1)
            if len(rows) and (newest[0] is None or rows["open_ms"][0] + length >= newest[0]):
                newest = (int(rows["open_ms"][0]) + length, float(rows["close"][0]))
        return newest


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
