"""The layouts of recorded files, which are recognised by their columns, and their rows in one format.

A recording is a folder of Parquet files under any names. Files that `liq export` writes are understood, and so are
common archives of single exchanges. Margin tiers may also be a JSON file of Binance's brackets.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import polars as pl

from warehouse.simulator.market.listing import EXCHANGES, contract_coins
from warehouse.simulator.market.tiers import Tier

_LOG = logging.getLogger("warehouse")

_TEXT, _MS, _FLOAT = pl.String(), pl.Int64(), pl.Float64()
Series = Literal["open_interest", "bars", "tiers"]
FORMAT: dict[Series, dict[str, pl.DataType]] = {
    "open_interest": {"exchange": _TEXT, "coin": _TEXT, "ts_ms": _MS, "units": _FLOAT, "price": _FLOAT},
    "bars": {
        "exchange": _TEXT,
        "coin": _TEXT,
        "kind": _TEXT,
        "length_ms": _MS,
        "open_ms": _MS,
        **dict.fromkeys(("open", "high", "low", "close", "volume"), _FLOAT),
    },
    "tiers": {
        "exchange": _TEXT,
        "coin": _TEXT,
        "bound_unit": _TEXT,
        **dict.fromkeys(("floor", "cap", "maintenance", "deduction", "max_leverage"), _FLOAT),
    },
}
"""The columns of each series: coins of one side, USD per coin (NaN if unknown), unix ms, margin tiers."""


@dataclass(frozen=True)
class Layout:
    """A layout: the series that its files hold, the columns that identify them, and the rest of FORMAT from those."""

    series: Series
    columns: frozenset[str]
    format: Callable[[pl.DataFrame], pl.DataFrame]

    @classmethod
    def of(cls, series: Series, columns: str, **values: pl.Expr) -> "Layout":
        """Make a layout whose missing columns are expressions over its own."""
        return cls(series, frozenset(columns.split()), lambda rows: rows.with_columns(**values))


def _coin(column: str) -> pl.Expr:
    return pl.col(column).str.strip_suffix("-USDT-SWAP").str.strip_suffix("USDT")


def _unix_ms(column: str) -> pl.Expr:
    return pl.col(column).dt.epoch("ms")


_PRICES = {"open", "high", "low", "close"}
_UNKNOWN = pl.lit(float("nan"))
_STEP = pl.col("open_ms").unique().sort().diff().min().over("exchange", "coin")


def _by_symbol(rows: pl.DataFrame) -> pl.DataFrame:
    volume = pl.col("volume_base") if "volume_base" in rows.columns else pl.lit(0.0)
    kind = "trade" if "volume_base" in rows.columns else "mark"
    named = rows.with_columns(exchange=pl.lit("binance"), coin=_coin("symbol"), kind=pl.lit(kind), volume=volume)
    return named.with_columns(length_ms=_STEP)


def _by_venue(rows: pl.DataFrame) -> pl.DataFrame:
    """Convert the volume of OKX, which is in contracts."""
    named = rows.rename({"venue": "exchange", "o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"})
    price = named.group_by("coin").agg(pl.col("close").median()).iter_rows()
    size = pl.col("coin").replace_strict({coin: contract_coins(coin, usd) for coin, usd in price})
    contracts = pl.when(pl.col("exchange") == "okx").then(size).otherwise(1.0)
    return named.with_columns(pl.col("volume") * contracts, kind=pl.lit("trade"), length_ms=_STEP)


def _exported_bars(rows: pl.DataFrame) -> pl.DataFrame:
    """Serve the volume of a mark bar as a trade bar too: core.price_bars has the prices of one of them only."""
    named = rows.with_columns(
        kind=pl.col("price_kind"),
        length_ms=pl.col("interval_minutes") * 60_000,
        open_ms=_unix_ms("open_utc"),
        volume=pl.col("volume_base").fill_null(0.0),
    )
    traded = named.filter((pl.col("kind") == "mark") & pl.col("volume_base").is_not_null())
    return pl.concat([named, traded.with_columns(kind=pl.lit("trade"))])


LAYOUTS = (
    # liq export: core.open_interest, core.price_bars and core.margin_tiers
    Layout.of(
        "open_interest",
        "exchange coin time_utc open_interest_base open_interest_usd",
        ts_ms=_unix_ms("time_utc"),
        units=pl.col("open_interest_base"),
        price=(pl.col("open_interest_usd") / pl.col("open_interest_base")).fill_null(float("nan")),
    ),
    Layout(
        "bars",
        frozenset({"exchange", "coin", "open_utc", "interval_minutes", "price_kind", "volume_base"} | _PRICES),
        _exported_bars,
    ),
    Layout(
        "tiers",
        frozenset(
            {"exchange", "coin", "tier_floor", "tier_cap", "maintenance_rate", "deduction", "max_leverage_x"}
            | {"bound_unit", "valid_to_utc"}
        ),
        lambda rows: rows.filter(pl.col("valid_to_utc").is_null()).with_columns(
            floor=pl.col("tier_floor"),
            cap=pl.col("tier_cap"),
            maintenance=pl.col("maintenance_rate"),
            max_leverage=pl.col("max_leverage_x"),
        ),
    ),
    # Binance's archive of metrics
    Layout.of(
        "open_interest",
        "symbol ts_ms sum_open_interest sum_open_interest_value",
        exchange=pl.lit("binance"),
        coin=_coin("symbol"),
        units=pl.col("sum_open_interest"),
        price=pl.col("sum_open_interest_value") / pl.col("sum_open_interest"),
    ),
    # Bybit, which adds both sides up
    Layout.of(
        "open_interest",
        "symbol ts_ms open_interest",
        exchange=pl.lit("bybit"),
        coin=_coin("symbol"),
        units=pl.col("open_interest") / 2,
        price=_UNKNOWN,
    ),
    # OKX
    Layout.of(
        "open_interest",
        "inst_id ts_ms oi_ccy",
        exchange=pl.lit("okx"),
        coin=_coin("inst_id"),
        units=pl.col("oi_ccy"),
        price=_UNKNOWN,
    ),
    # bars of Binance, and of several exchanges; bars without a volume are those of the mark
    Layout("bars", frozenset({"symbol", "open_ms"} | _PRICES), _by_symbol),
    Layout("bars", frozenset({"venue", "coin", "open_ms", "o", "h", "l", "c", "v"}), _by_venue),
)


@dataclass(frozen=True)
class Recording:
    """The recorded series by exchange and coin, sorted by time; bars also by price kind and length in ms.

    Tiers have the unit of their bounds: usd, base or contracts.
    """

    directory: Path
    open_interest: dict[tuple[str, str], pl.DataFrame]
    bars: dict[tuple[str, str, str, int], pl.DataFrame]
    tiers: dict[tuple[str, str], tuple[str, tuple[Tier, ...]]]

    @property
    def span(self) -> tuple[int, int]:
        """The first and last instant (unix ms) of the open interest. Raises FileNotFoundError if there is none."""
        if not self.open_interest:
            raise FileNotFoundError(
                f"{self.directory} has no recorded open interest; make a recording with: "
                "liq export core.open_interest --out open_interest.parquet, and core.price_bars and core.margin_tiers"
            )
        times = [frame["ts_ms"] for frame in self.open_interest.values()]
        return min(int(each[0]) for each in times), max(int(each[-1]) for each in times)


@cache
def load(directory: Path) -> Recording:
    """Read all recorded files of a folder. Raises ValueError for a damaged file."""
    read = {series: _concatenate(directory, series) for series in FORMAT}
    interest = _split(read["open_interest"], "exchange", "coin", time="ts_ms")
    bars = _split(read["bars"], "exchange", "coin", "kind", "length_ms", time="open_ms")
    tiers = _split(read["tiers"], "exchange", "coin", time="floor")
    listed = {
        key: (str(rows["bound_unit"][0]), tuple(Tier(*row) for row in rows.drop("bound_unit").iter_rows()))
        for key, rows in tiers.items()
    }
    return Recording(directory, interest, bars, _brackets(directory) | listed)


def _concatenate(directory: Path, series: Series) -> pl.DataFrame:
    parts = [pl.DataFrame(schema=FORMAT[series])]
    for path in sorted(directory.glob("*.parquet")):
        layout = _layout(path)
        if layout is not None and layout.series == series:
            try:
                rows = layout.format(pl.read_parquet(path))
                parts.append(rows.select(pl.col(name).cast(dtype) for name, dtype in FORMAT[series].items()))
            except pl.exceptions.PolarsError as error:
                raise ValueError(f"{path} is no recording of {series}: {str(error).splitlines()[0]}") from error
    frame = pl.concat(parts).filter(pl.col("exchange").is_in(EXCHANGES))
    return frame.filter(pl.col("length_ms") > 0) if series == "bars" else frame


@cache
def _layout(path: Path) -> Layout | None:
    """Return the layout of a file, by its columns; None if it is no recording. Raises ValueError if unreadable."""
    try:
        columns = set(pl.read_parquet_schema(path))
    except pl.exceptions.PolarsError as error:
        raise ValueError(f"{path} cannot be read ({str(error).splitlines()[0]}); remove or replace it") from error
    found = next((layout for layout in LAYOUTS if layout.columns <= columns), None)
    if found is None:
        _LOG.warning("%s is no recording: its columns are %s", path, ", ".join(sorted(columns)))
    return found


def _split(frame: pl.DataFrame, *keys: str, time: str) -> dict[tuple[Any, ...], pl.DataFrame]:
    """Return the rows of each key, sorted by time; of equal times, the first."""
    parts = frame.sort(time, maintain_order=True).partition_by(keys, as_dict=True, include_key=False)
    return {key: rows.unique(time, keep="first", maintain_order=True) for key, rows in parts.items()}


def _brackets(directory: Path) -> dict[tuple[str, str], tuple[str, tuple[Tier, ...]]]:
    """Read Binance's brackets from JSON files, keyed by symbols such as BTC/USDT:USDT."""
    found = {}
    for path in sorted(directory.glob("*.json")):
        try:
            listed = json.loads(path.read_text())
        except ValueError as error:
            raise ValueError(f"{path} is no JSON ({error}); remove or replace it") from error
        for symbol, rows in listed.items() if isinstance(listed, dict) else ():
            if isinstance(rows, list) and rows and isinstance(rows[0], dict) and "notionalFloor" in rows[0]:
                tiers = (
                    Tier(b["notionalFloor"], b["notionalCap"], b["maintMarginRatio"], b["cum"], b["initialLeverage"])
                    for b in rows
                )
                found["binance", symbol.split("/")[0]] = ("usd", tuple(tiers))
    return found
