"""Recorded series behind the same wire servers: what the files hold is served, what they do not hold is not.

The directory holds the files named below, each optional. Open interest, trade bars and (Binance, hourly) mark bars
are known; taker splits, ratios, funding and liquidations are not, and come out empty.
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
OKX_ETH = Tier(0.0, 500.0, 0.004, 0.0, 100.0)  # all that is documented of it


def recorded_range(directory: Path) -> tuple[int, int]:
    """First and last instant in ms of the recorded Binance open interest."""
    rows = pl.read_parquet(Path(directory) / BINANCE_INTEREST[0], columns=["ts_ms"])
    return rows.select(first=pl.col("ts_ms").min(), last=pl.col("ts_ms").max()).row(0)


class Recorded:
    """The files of one directory."""

    label = "recorded"
    dense = False

    def __init__(self, directory: Path) -> None:
        self.directory = Path(directory)
        self._frames: Frames = load(self.directory)
        self._instruments = {exchange: self._listed(exchange) for exchange in EXCHANGES}
        self._brackets = self._read_brackets()

    def _listed(self, exchange: Exchange) -> tuple[Instrument, ...]:
        starts: dict[str, int] = {}
        for (held, coin), frame in self._frames.open_interest.items():
            if held == exchange:
                starts[coin] = int(frame["ts_ms"][0])
        for (held, coin, _, _), frame in self._frames.bars.items():
            if held == exchange:
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
        """The contracts that any file speaks of."""
        return self._instruments[exchange]

    def tiers(self, instrument: Instrument) -> tuple[Tier, ...]:
        """Binance's as recorded; of Bybit and OKX what is documented."""
        if instrument.exchange == "binance":
            return self._brackets.get(instrument.coin, ())
        documented = {
            ("bybit", "BTC"): bybit_tiers("BTC"),
            ("okx", "BTC"): okx_tiers("BTC", 1.0, 0.01),
            ("okx", "ETH"): (OKX_ETH,),
        }
        return documented.get((instrument.exchange, instrument.coin), ())

    def open_interest(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> OpenInterest:
        """Snapshots that stand for a border of the interval, with the stamps they were recorded with."""
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
        """The last snapshot, unless it is more than two hours old."""
        frame = self._frames.open_interest.get((instrument.exchange, instrument.coin))
        if frame is None:
            return no_interest()
        return _interest(frame.filter((pl.col("ts_ms") <= now_ms) & (pl.col("ts_ms") > now_ms - STALE_MS)).tail(1))

    def bars(
        self, instrument: Instrument, kind: BarKind, interval: Interval, first_ms: int, last_ms: int, now_ms: int
    ) -> Bars:
        """Bars made of recorded ones that had ended by ``now_ms``; a bar with a part missing is missing."""
        made = []
        for length in (300_000, HOUR_MS):
            frame = self._frames.bars.get((instrument.exchange, instrument.coin, kind, length))
            if frame is not None and interval.length_ms % length == 0:
                known = frame.filter(
                    (pl.col("open_ms") >= interval.ceil(first_ms))
                    & (pl.col("open_ms") < interval.floor(last_ms) + interval.length_ms)
                    & (pl.col("open_ms") + length <= now_ms)
                )
                made.append(_resampled(known, interval, length, now_ms))
        if not made:
            return no_bars()
        rows = pl.concat(made).unique("open_ms", keep="first", maintain_order=True).sort("open_ms")
        opened, first, high, low, last, volume = (rows[name].to_numpy() for name in rows.columns)
        return Bars(opened, first, high, low, last, volume if kind == "trade" else None)

    def shares(self, instrument: Instrument, crowd: Crowd, interval: Interval, first_ms: int, last_ms: int) -> Shares:
        """Not recorded."""
        return Shares(np.zeros(0, np.int64), np.zeros(0))

    def flow(self, instrument: Instrument, interval: Interval, first_ms: int, last_ms: int) -> Flow:
        """Not recorded."""
        return Flow(np.zeros(0, np.int64), *[np.zeros(0)] * 3)

    def funding(self, instrument: Instrument, first_ms: int, last_ms: int) -> Funding:
        """Not recorded."""
        return Funding(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    def liquidations(self, instrument: Instrument, first_ms: int, last_ms: int) -> Liquidations:
        """Not recorded for a single exchange."""
        return Liquidations(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    def quote(self, instrument: Instrument, now_ms: int) -> Quote:
        """The last closes, unless they are more than two hours old."""
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
    """The last snapshot of the period that ends at each border; none where the period has none."""
    stamps: Ints = frame["ts_ms"].to_numpy()
    units: Floats = frame["units"].to_numpy()
    at = np.searchsorted(stamps, border, side="right") - 1
    there = (at >= 0) & (stamps[np.maximum(at, 0)] > border - length_ms)
    return OpenInterest(border[there], units[at[there]], np.full(int(there.sum()), np.nan))


def _resampled(rows: pl.DataFrame, interval: Interval, length: int, now_ms: int) -> pl.DataFrame:
    border = pl.col("open_ms") - (pl.col("open_ms") - interval.offset_ms) % interval.length_ms
    made = rows.group_by(border.alias("border"), maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
        pl.len().alias("parts"),
    )
    until = pl.min_horizontal(pl.col("border") + interval.length_ms, pl.lit(now_ms))
    whole = pl.col("parts") == (until - pl.col("border")) // length
    return made.filter(whole).drop("parts").rename({"border": "open_ms"})
