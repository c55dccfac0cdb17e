"""Reads the files of markets whose positions are known, or what such markets publish alone, and says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from transforms.evaluation import known_market as markets
from transforms.evaluation.known_market import BAR_MS, HOUR_MS, SIDE_OF, WINDOWS
from warehouse.clock import from_ms
from warehouse.errors import UserError
from warehouse.progress import Progress

PUBLISHED, REALISED, TRUTH = "published_5m.parquet", "realised_liquidations.parquet", "true_map.parquet"

_ROUNDED = 1e-6  # of a price: what rounding may have done to it
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
    """What the markets of a folder publish: bars, and liquidations that happened."""

    folder: Path
    bars: pl.DataFrame
    realised: pl.DataFrame

    @property
    def span_ms(self) -> tuple[int, int]:
        """From the first bar's opening to the last one's end."""
        times = self.bars["open_ms"]
        return int(times.to_numpy().min()), int(times.to_numpy().max()) + BAR_MS

    def without(self, exchanges: Iterable[str]) -> Published:
        """As if these published no liquidations. Raises UserError for an exchange that is not there."""
        there = sorted(self.bars["exchange"].unique())
        for name in exchanges:
            if name not in there:
                raise UserError(f"no exchange {name!r} in {self.folder / PUBLISHED}; there are {', '.join(there)}")
        return Published(self.folder, self.bars, self.realised.filter(~pl.col("exchange").is_in(list(exchanges))))


def read_published(folder: Path) -> Published:
    """Of the files it needs: PUBLISHED and REALISED, and no other. Raises UserError saying which one has what wrong."""
    bars, file = _table(folder, PUBLISHED, _PUBLISHED), folder / PUBLISHED
    if bars.is_empty():
        raise UserError(f"{file} has no rows")
    _holds(bars, file, pl.col("exchange", "open_ms").is_not_null(), "an exchange or open_ms is missing")
    _holds(bars, file, pl.col("open_ms") % BAR_MS == 0, "open_ms is not the start of five minutes")
    _holds(bars, file, _positive("open", "high", "low", "close"), "a price is not a positive number")
    low, high = pl.col("low") * (1.0 - _ROUNDED), pl.col("high") * (1.0 + _ROUNDED)
    inside = (low <= pl.min_horizontal("open", "close")) & (high >= pl.max_horizontal("open", "close"))
    _holds(bars, file, inside, "open or close is not between low and high")
    amounts = [c for c, dtype in _PUBLISHED.items() if c.endswith(("_base", "_accounts")) and dtype is pl.Float64]
    bars = bars.with_columns(pl.col(amounts).fill_nan(None))  # no number is no data, as a blank is
    counted = [(pl.col(c).is_null() | ((pl.col(c) >= 0) & pl.col(c).is_finite())) for c in amounts]
    _holds(bars, file, pl.all_horizontal(counted), "an amount is negative or no number")
    if bars.select("market", "exchange", "open_ms").is_duplicated().any():
        raise UserError(f"{file}: a bar of a market and exchange is there twice")
    realised, file = _table(folder, REALISED, _REALISED), folder / REALISED
    _holds(realised, file, pl.col("side").is_in(list(SIDE_OF)), "a side is neither long nor short")
    _holds(realised, file, pl.col("exchange", "ts_ms").is_not_null(), "an exchange or ts_ms is missing")
    _holds(realised, file, _positive("price", "base"), "a price or base is not a positive number")
    return Published(folder, bars, _same_markets(realised, bars))


def read_truth(folder: Path, published: Published) -> pl.DataFrame:
    """What truly stands, for markets and instants that `published` speaks of. Raises UserError as `read_published`."""
    truth, file = _table(folder, TRUTH, _TRUTH), folder / TRUTH
    if truth.is_empty():
        raise UserError(f"{file} has no rows")
    first, end = published.span_ms
    _holds(truth, file, pl.col("side").is_in(list(SIDE_OF)), "a side is neither long nor short")
    _holds(truth, file, pl.col("window").is_in(WINDOWS), f"a window is none of {', '.join(WINDOWS)}")
    _holds(truth, file, _positive("mark_price", "low", "high"), "a price is not a positive number")
    _holds(truth, file, pl.col("usd").is_finite() & (pl.col("usd") >= 0), "an amount is negative or no number")
    _holds(truth, file, pl.col("at_ms") % HOUR_MS == 0, "at_ms is not a full hour")
    _holds(truth, file, pl.col("at_ms").is_between(first, end), f"at_ms lies outside of {PUBLISHED}")
    truth = _same_markets(truth, published.bars)
    keys = ["market", "exchange"]
    unknown = truth.select(keys).unique().join(published.bars.select(keys).unique(), on=keys, how="anti")
    if unknown.height:
        raise UserError(f"{file} has {len(unknown)} exchanges of markets that {PUBLISHED} has not: {unknown.rows()[0]}")
    return truth


Shape = Callable[[Iterable[markets.Reading]], pl.DataFrame]


def estimate(
    published: Published,
    times_ms: Mapping[object, Sequence[int]],
    estimators: Sequence[str],
    shape: Shape,
    progress: Progress,
) -> pl.DataFrame:
    """What `shape` makes of the readings of each market at its times, with `market` in front."""
    parts = []
    for market, at_ms in times_ms.items():
        bars, realised = (frame.filter(pl.col("market") == market) for frame in (published.bars, published.realised))
        progress.stage(f"market {market}", markets.hours_to_pass(bars, at_ms), "hours")
        made = shape(markets.read(bars, realised, at_ms, estimators, progress.step))
        parts.append(made.select(pl.lit(market, bars.schema["market"]).alias("market"), pl.all()))
    progress.stage("", 0, "")
    return pl.concat(parts)


def instants(published: Published, first_ms: int, every_h: int) -> dict[object, list[int]]:
    """By market: `first_ms` and each `every_h` hours on, up to the end of what the market publishes.

    Raises UserError for a first one outside of it.
    """
    first, end = published.span_ms
    if not first <= first_ms <= end:
        written = (f"{from_ms(ms):%Y-%m-%dT%H:%MZ}" for ms in (first_ms, first, end))
        raise UserError(
            "--from {} lies outside of {}, which goes from {} to {}".format(
                next(written), published.folder / PUBLISHED, *written
            )
        )
    ends = published.bars.group_by("market").agg(pl.col("open_ms").max() + BAR_MS).sort("market").rows()
    return {market: list(range(first_ms, last + 1, every_h * HOUR_MS)) for market, last in ends}


def _table(folder: Path, name: str, columns: Columns) -> pl.DataFrame:
    """The file's columns, `market` among them, in the types that are worked with."""
    file = folder / name
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; name the one that holds {name}")
    if not file.is_file():
        there = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_file())[:6]) or "no files"
        raise UserError(f"{file} is missing; {folder} holds {there}")
    try:
        frame = pl.read_parquet(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise UserError(f"{file} is not a whole Parquet file ({reason}); copy it again") from error
    missing = [column for column in ("market", *columns) if column not in frame.columns]
    if missing:
        raise UserError(f"{file} has no column {', '.join(missing)}; it has {', '.join(frame.columns)}")
    try:
        typed = frame.select("market", *(pl.col(column).cast(dtype) for column, dtype in columns.items()))
    except pl.exceptions.PolarsError as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise UserError(f"{file} has a column of another type: {reason}") from error
    _holds(typed, file, pl.col("market").is_not_null(), "a market is missing")
    return typed


def _holds(frame: pl.DataFrame, file: Path, rule: pl.Expr, otherwise: str) -> None:
    broken = frame.filter(~pl.all_horizontal(rule).fill_null(False)).height
    if broken:
        raise UserError(f"{file}: {otherwise}, in {broken} of {frame.height} rows")


def _positive(*columns: str) -> pl.Expr:
    return pl.all_horizontal(pl.col(column).is_finite() & (pl.col(column) > 0) for column in columns)


def _same_markets(frame: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """`frame` with `market` in the type that it has in `bars`; an empty file may have lost its own."""
    dtype = bars.schema["market"]
    return frame.with_columns(pl.col("market").cast(dtype, strict=False))
