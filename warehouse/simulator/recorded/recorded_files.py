"""Files of recorded market data, read into one format by exchange and coin: open interest of one side, and bars."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from warehouse.simulator.market.listing import contract_coins
from warehouse.simulator.market.source import HOUR_MS

BINANCE_INTEREST = ("binance_open_interest_5m.parquet",)
BYBIT_INTEREST = (
    "bybit_open_interest_1h.parquet",
    "bybit_open_interest_2025-02-04_05-15.parquet",
    "bybit_open_interest_2025-08-29_09-06.parquet",
)
OKX_INTEREST = ("okx_open_interest_2025-08-29_09-06.parquet",)
HOURLY_BARS = (
    "bybit_okx_klines_1h.parquet",
    "klines_1h_2025-03-06_05-15.parquet",
    "klines_1h_2025-08-29_09-06.parquet",
)
COINS = {"BTC", "ETH", "SOL", "DOGE", "AVAX"}


@dataclass(frozen=True)
class Frames:
    """Recorded series by exchange and coin, sorted by time.

    Open interest: ``ts_ms, units, price``; bars, also by price and length in ms: ``open_ms, open, high, low, close,
    volume``.
    """

    open_interest: dict[tuple[str, str], pl.DataFrame]
    bars: dict[tuple[str, str, str, int], pl.DataFrame]


def load(directory: Path) -> Frames:
    """Read all files that exist in a directory."""
    interest: dict[tuple[str, str], pl.DataFrame] = {}
    bars: dict[tuple[str, str, str, int], pl.DataFrame] = {}
    for frame in (_binance_interest(directory), _bybit_interest(directory), _okx_interest(directory)):
        for (exchange, coin), rows in frame.group_by("exchange", "coin"):
            unique = rows.sort("ts_ms").unique("ts_ms", keep="first", maintain_order=True)
            interest[str(exchange), str(coin)] = unique.select("ts_ms", "units", "price")
    for kind, length, frame in (
        ("trade", 300_000, _binance_bars(directory, "binance_klines_5m.parquet", "volume_base")),
        ("mark", HOUR_MS, _binance_bars(directory, "binance_mark_klines_1h.parquet", None)),
        ("trade", HOUR_MS, _hourly(directory)),
    ):
        for (exchange, coin), rows in frame.group_by("exchange", "coin"):
            unique = rows.sort("open_ms").unique("open_ms", keep="first", maintain_order=True)
            bars[str(exchange), str(coin), kind, length] = unique.drop("exchange", "coin")
    return Frames(interest, bars)


def _read(directory: Path, names: tuple[str, ...]) -> list[pl.DataFrame]:
    return [pl.read_parquet(directory / name) for name in names if (directory / name).exists()]


def _coin(column: str) -> pl.Expr:
    return pl.col(column).str.strip_suffix("-USDT-SWAP").str.strip_suffix("USDT").alias("coin")


def _concatenate(parts: list[pl.DataFrame], columns: list[str]) -> pl.DataFrame:
    if not parts:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.Null))
    return pl.concat(parts).filter(pl.col("coin").is_in(COINS)).select(columns)


INTEREST = ["exchange", "coin", "ts_ms", "units", "price"]
BARS = ["exchange", "coin", "open_ms", "open", "high", "low", "close", "volume"]


def _binance_interest(directory: Path) -> pl.DataFrame:
    value = pl.col("sum_open_interest_value") / pl.col("sum_open_interest")
    parts = [
        rows.with_columns(
            _coin("symbol"),
            pl.lit("binance").alias("exchange"),
            pl.col("sum_open_interest").alias("units"),
            value.alias("price"),
        )
        for rows in _read(directory, BINANCE_INTEREST)
    ]
    return _concatenate(parts, INTEREST)


def _bybit_interest(directory: Path) -> pl.DataFrame:
    """Read Bybit's open interest: the file has the sum of both sides, which is halved."""
    parts = [
        rows.with_columns(
            _coin("symbol"),
            pl.lit("bybit").alias("exchange"),
            (pl.col("open_interest") / 2).alias("units"),
            pl.lit(float("nan")).alias("price"),
        )
        for rows in _read(directory, BYBIT_INTEREST)
    ]
    return _concatenate(parts, INTEREST)


def _okx_interest(directory: Path) -> pl.DataFrame:
    parts = [
        rows.with_columns(
            _coin("inst_id"),
            pl.lit("okx").alias("exchange"),
            pl.col("oi_ccy").alias("units"),
            pl.lit(float("nan")).alias("price"),
        )
        for rows in _read(directory, OKX_INTEREST)
    ]
    return _concatenate(parts, INTEREST)


def _binance_bars(directory: Path, name: str, volume: str | None) -> pl.DataFrame:
    amount = pl.lit(0.0) if volume is None else pl.col(volume)
    parts = [
        rows.with_columns(_coin("symbol"), pl.lit("binance").alias("exchange"), amount.alias("volume"))
        for rows in _read(directory, (name,))
    ]
    return _concatenate(parts, BARS)


def _hourly(directory: Path) -> pl.DataFrame:
    """Read the hourly bars of all exchanges; OKX's volume is converted from contracts to coins."""
    size = pl.col("coin").replace_strict({coin: contract_coins(coin) for coin in COINS}, default=1.0)
    coins = pl.col("v") * pl.when(pl.col("exchange") == "okx").then(size).otherwise(1.0)
    parts = [
        rows.rename({"venue": "exchange", "o": "open", "h": "high", "l": "low", "c": "close"}).with_columns(
            coins.alias("volume")
        )
        for rows in _read(directory, HOURLY_BARS)
    ]
    frame = _concatenate(parts, BARS)
    return frame.filter(pl.col("exchange").is_in(["binance", "bybit", "okx"])) if len(frame) else frame
