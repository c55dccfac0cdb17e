"""Files of markets with known positions: reading, validation and estimates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from transforms.evaluation import known_market as markets
from transforms.evaluation.known_market import FIVE_MINUTES_MS, SIDE_OF, WINDOWS, bar_ms
from transforms.hourly.hours import HOUR_MS
from warehouse.clock import from_ms
from warehouse.errors import UserError
from warehouse.progress import Progress

PUBLISHED, REALISED, TRUTH = "published_5m.parquet", "realised_liquidations.parquet", "true_map.parquet"

_ROUNDING = 1e-6  # relative tolerance of prices
Columns = Mapping[str, type[pl.DataType]]
_PUBLISHED: Columns = {
    "exchange": pl.String,
    "open_ms": pl.Int64,
    **dict.fromkeys(("open", "high", "low", "close"), pl.Float64),
    **dict.fromkeys(("open_interest_base", "taker_buy_base", "taker_sell_base"), pl.Float64),
    **dict.fromkeys(("long_accounts", "short_accounts"), pl.Float64),
}
_REALISED: Columns = {
    "exchange": pl.String,
    "ts_ms": pl.Int64,
    "side": pl.String,
    "price": pl.Float64,
    "base": pl.Float64,
}
_TRUTH: Columns = {
    "exchange": pl.String,
    "at_ms": pl.Int64,
    "window": pl.String,
    "side": pl.String,
    **dict.fromkeys(("mark_price", "low", "high", "usd"), pl.Float64),
}


@dataclass(frozen=True)
class Published:
    """The public data of the markets in a folder: bars, with `close_ms`, and realised liquidations."""

    folder: Path
    bars: pl.DataFrame
    realised: pl.DataFrame

    @property
    def span_ms(self) -> tuple[int, int]:
        """The open of the first bar and the end of the last, in unix milliseconds."""
        return int(self.bars["open_ms"].to_numpy().min()), int(self.bars["close_ms"].to_numpy().max())

    def without(self, exchanges: Iterable[str]) -> Published:
        """Return the data without the liquidations of `exchanges`. Raises UserError for an unknown exchange."""
        known = sorted(self.bars["exchange"].unique())
        for name in exchanges:
            if name not in known:
                raise UserError(f"no exchange {name!r} in {self.folder / PUBLISHED}; there are {', '.join(known)}")
        return Published(self.folder, self.bars, self.realised.filter(~pl.col("exchange").is_in(list(exchanges))))


def read_published(folder: Path) -> Published:
    """Read PUBLISHED and REALISED, and no other file. Raises UserError naming the file and the fault."""
    bars, file = _table(folder, PUBLISHED, _PUBLISHED), folder / PUBLISHED
    if bars.is_empty():
        raise UserError(f"{file} has no rows")
    _require(bars, file, pl.col("exchange", "open_ms").is_not_null(), "an exchange or open_ms is missing")
    _require(bars, file, pl.col("open_ms") % FIVE_MINUTES_MS == 0, "open_ms is not a multiple of five minutes")
    _require(bars, file, _positive("open", "high", "low", "close"), "a price is not a positive number")
    low, high = pl.col("low") * (1.0 - _ROUNDING), pl.col("high") * (1.0 + _ROUNDING)
    inside = (low <= pl.min_horizontal("open", "close")) & (high >= pl.max_horizontal("open", "close"))
    _require(bars, file, inside, "open or close is not between low and high")
    amounts = [c for c, dtype in _PUBLISHED.items() if c.endswith(("_base", "_accounts")) and dtype is pl.Float64]
    bars = bars.with_columns(pl.col(amounts).fill_nan(None))  # NaN means no data, like null
    valid = [(pl.col(c).is_null() | ((pl.col(c) >= 0) & pl.col(c).is_finite())) for c in amounts]
    _require(bars, file, pl.all_horizontal(valid), "an amount is negative or not a number")
    if bars.select("market", "exchange", "open_ms").is_duplicated().any():
        raise UserError(f"{file}: duplicate bars (market, exchange, open_ms)")
    bars = _with_ends(bars, file)
    realised, file = _table(folder, REALISED, _REALISED), folder / REALISED
    _require(realised, file, pl.col("side").is_in(list(SIDE_OF)), "a side is neither long nor short")
    _require(realised, file, pl.col("exchange", "ts_ms").is_not_null(), "an exchange or ts_ms is missing")
    _require(realised, file, _positive("price", "base"), "a price or base is not a positive number")
    return Published(folder, bars, _same_markets(realised, bars))


def read_truth(folder: Path, published: Published) -> pl.DataFrame:
    """Read the true map of the markets and instants of `published`. Raises UserError as `read_published` does."""
    truth, file = _table(folder, TRUTH, _TRUTH), folder / TRUTH
    if truth.is_empty():
        raise UserError(f"{file} has no rows")
    first, end = published.span_ms
    _require(truth, file, pl.col("side").is_in(list(SIDE_OF)), "a side is neither long nor short")
    _require(truth, file, pl.col("window").is_in(WINDOWS), f"a window is none of {', '.join(WINDOWS)}")
    _require(truth, file, _positive("mark_price", "low", "high"), "a price is not a positive number")
    _require(truth, file, pl.col("usd").is_finite() & (pl.col("usd") >= 0), "an amount is negative or not a number")
    _require(truth, file, pl.col("at_ms") % HOUR_MS == 0, "at_ms is not a full hour")
    _require(truth, file, pl.col("at_ms").is_between(first, end), f"at_ms is outside the time range of {PUBLISHED}")
    truth = _same_markets(truth, published.bars)
    keys = ["market", "exchange"]
    unknown = truth.select(keys).unique().join(published.bars.select(keys).unique(), on=keys, how="anti")
    if unknown.height:
        raise UserError(
            f"{file} has {len(unknown)} pairs of market and exchange that {PUBLISHED} lacks, first {unknown.rows()[0]}"
        )
    return truth


Shape = Callable[[Iterable[markets.Reading]], pl.DataFrame]


def estimate(
    published: Published,
    times_ms: Mapping[object, Sequence[int]],
    estimators: Sequence[str],
    shape: Shape,
    progress: Progress,
) -> pl.DataFrame:
    """Return the output of `shape` on the readings of each market at its times, with `market` as the first column."""
    parts = []
    for market, at_ms in times_ms.items():
        bars, realised = (frame.filter(pl.col("market") == market) for frame in (published.bars, published.realised))
        progress.stage(f"market {market}", markets.count_hours(bars, at_ms), "hours")
        frame = shape(markets.read(bars, realised, at_ms, estimators, progress.step))
        parts.append(frame.select(pl.lit(market, bars.schema["market"]).alias("market"), pl.all()))
    progress.stage("", 0, "")
    return pl.concat(parts)


def instants(published: Published, first_ms: int, every_h: int) -> dict[object, list[int]]:
    """Return by market the instants from `first_ms`, every `every_h` hours, up to the end of the market's bars.

    Raises UserError if `first_ms` is outside the time range of the bars.
    """
    first, end = published.span_ms
    if not first <= first_ms <= end:
        written = (f"{from_ms(ms):%Y-%m-%dT%H:%MZ}" for ms in (first_ms, first, end))
        msg = "--from {} is outside the time range of {}: {} to {}".format(
            next(written), published.folder / PUBLISHED, *written
        )
        raise UserError(msg)
    ends = published.bars.group_by("market").agg(pl.col("close_ms").max()).sort("market").rows()
    return {market: list(range(first_ms, last + 1, every_h * HOUR_MS)) for market, last in ends}


def _with_ends(bars: pl.DataFrame, file: Path) -> pl.DataFrame:
    """Return the bars with `close_ms`; each exchange of a market has bars of one length that divides an hour."""
    parts = []
    for (market, exchange), own in bars.partition_by("market", "exchange", as_dict=True, maintain_order=True).items():
        length_ms = bar_ms(own["open_ms"])
        if HOUR_MS % length_ms:
            raise UserError(
                f"{file}: bars of market {market} on {exchange} are {length_ms // 60_000} minutes long, which does not "
                "divide an hour"
            )
        parts.append(own.with_columns((pl.col("open_ms") + length_ms).alias("close_ms")))
    return pl.concat(parts)


def _table(folder: Path, name: str, columns: Columns) -> pl.DataFrame:
    """Read the columns of a file, with `market`, cast to the types of `columns`."""
    file = folder / name
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give the folder of {name}")
    if not file.is_file():
        files = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_file())[:6]) or "no files"
        raise UserError(f"{file} is missing; {folder} holds {files}")
    try:
        frame = pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise UserError(f"{file} is not a complete Parquet file ({reason}); copy it again") from error
    missing = [column for column in ("market", *columns) if column not in frame.columns]
    if missing:
        raise UserError(f"{file} has no column {', '.join(missing)}; it has {', '.join(frame.columns)}")
    try:
        typed = frame.select("market", *(pl.col(column).cast(dtype) for column, dtype in columns.items()))
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise UserError(f"{file} has a column of the wrong type: {reason}") from error
    _require(typed, file, pl.col("market").is_not_null(), "a market is missing")
    return typed


def _require(frame: pl.DataFrame, file: Path, rule: pl.Expr, fault: str) -> None:
    broken = frame.filter(~pl.all_horizontal(rule).fill_null(False)).height
    if broken:
        raise UserError(f"{file}: {fault}, in {broken} of {frame.height} rows")


def _positive(*columns: str) -> pl.Expr:
    return pl.all_horizontal(pl.col(column).is_finite() & (pl.col(column) > 0) for column in columns)


def _same_markets(frame: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Cast `market` to its type in `bars`; an empty file may lack the right one."""
    dtype = bars.schema["market"]
    return frame.with_columns(pl.col("market").cast(dtype, strict=False))
