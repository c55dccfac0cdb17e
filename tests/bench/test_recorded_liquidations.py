"""Each map against recorded liquidations, and its steadiness on recorded markets. Run: `make bench`."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from rich.table import Table as Grid

from transforms.model.assumptions import Assumptions, prior
from transforms.model.distance_profile import Contract
from transforms.model.estimators import ESTIMATORS, Cohorts, Estimator
from transforms.model.fitting.fit import Observed, fit
from transforms.model.liquidation_price import Tiers
from transforms.model.price_grid import Floats, middle
from transforms.model.step import Bar

RECORDED = Path(__file__).parents[3] / "shared" / "recorded"
KLINES, OPEN_INTEREST, REALISED, BRACKETS, KLINES_5M, OPEN_INTEREST_5M = (
    RECORDED / name
    for name in (
        "klines_1h_2025-03-06_05-15.parquet",
        "bybit_open_interest_2025-02-04_05-15.parquet",
        "realised_liquidations_4h_2025-03-06_05-15.parquet",
        "binance_leverage_brackets_2026-05-01.json",
        "binance_klines_5m.parquet",
        "binance_open_interest_5m.parquet",
    )
)
COINS = ("BTC", "ETH", "SOL")
SIDES = {"long": +1, "short": -1}
HOUR_MS, BAR_MS, DAY_MS = 3_600_000, 300_000, 86_400_000
FOUR_HOURS_MS = 4 * HOUR_MS
SCORED_DAYS = 50
FLOOR = 0.01  # least prediction, as a share of the usual amount: zero has no Poisson deviance
RANGE, REGRESSION, STOOD, SWEPT = "range alone", "regression, no map", "stood", "swept"
LOOKED_BACK_H = (4, 12, 24, 72, 168)
LEAST_MOVE = 1e-3  # in log price: a move of zero has no log
NEAR, QUIET, WITHHELD_AGO_DAYS = 0.10, 0.001, 3
PROBES_DAYS = range(20, 59, 3)  # days after the first at which maps with and without a day are compared
Predicted = tuple[str, str, int, str, str, float]
Map = dict[int, float]
AT_HAND = all(file.is_file() for file in (KLINES, OPEN_INTEREST, REALISED, BRACKETS, KLINES_5M, OPEN_INTEREST_5M))
pytestmark = pytest.mark.skipif(not AT_HAND, reason="no recorded markets beside the project (../shared/recorded)")


def contract(exchange: str, coin: str) -> Contract:
    """Return a contract with Binance's tiers, since Bybit's were not recorded."""
    rows: list[dict[str, Any]] = json.loads(BRACKETS.read_text())[f"{coin}/USDT:USDT"]
    names = ("notionalCap", "maintMarginRatio", "cum", "initialLeverage")
    cap, rate, deduction, leverage = (tuple(float(row[name]) for row in rows) for name in names)
    return Contract(exchange, "linear", Tiers(cap, rate, deduction, leverage))


def bybit_hours(coin: str) -> Iterator[tuple[int, Bar]]:
    """Yield (start ms, bar) of Bybit's trades; marks and taker sides of these months were not recorded."""
    open_interest = pl.read_parquet(OPEN_INTEREST).filter(pl.col("symbol") == f"{coin}USDT")
    at_end = open_interest.select(pl.col("ts_ms") - HOUR_MS, pl.col("open_interest") / 2)  # both sides added up
    bars = pl.read_parquet(KLINES).filter((pl.col("venue") == "bybit") & (pl.col("coin") == coin))
    both = bars.join(at_end, left_on="open_ms", right_on="ts_ms", how="left").sort("open_ms")
    columns = ("open_ms", "o", "h", "l", "c", pl.col("v") / 2, pl.col("open_interest").fill_null(np.nan))
    for start_ms, *values in both.select(*columns).iter_rows():
        yield start_ms, Bar(1.0, *values)


def binance_hours(coin: str) -> list[tuple[int, list[Bar]]]:
    """Return (start ms, 5-minute bars) of Binance's trades in December and January."""
    own = pl.col("symbol") == f"{coin}USDT"
    late = pl.col("ts_ms") // BAR_MS * BAR_MS - BAR_MS  # a few stamps are a second or two late
    at_end = pl.read_parquet(OPEN_INTEREST_5M).filter(own).select(late, "sum_open_interest")
    bars = pl.read_parquet(KLINES_5M).filter(own).join(at_end, left_on="open_ms", right_on="ts_ms", how="left")
    columns = ("open", "high", "low", "close", pl.col("volume_base") / 2, pl.col("sum_open_interest").fill_null(np.nan))
    hours: dict[int, list[Bar]] = {}
    for start_ms, *values in bars.sort("open_ms").select("open_ms", *columns).iter_rows():
        hours.setdefault(start_ms // HOUR_MS * HOUR_MS, []).append(Bar(BAR_MS / HOUR_MS, *values))
    return list(hours.items())


def realised() -> pl.DataFrame:
    """Return USD by coin, side and four hours over all exchanges; the source misses some in bursts."""
    read = pl.read_parquet(REALISED)
    return pl.concat(
        read.select("coin", pl.lit(side).alias("side"), "open_ms", pl.col(f"{side}_liquidation_usd").alias("realised"))
        for side in SIDES
    )


def reached(bar: Bar, s: int) -> float:
    return bar.low if s > 0 else bar.high


class Walk:
    """A coin hour by hour: each estimator's prediction before the hour, and its sweep during the hour.

    The fit is repeated every midnight on the complete four-hour periods.
    """

    def __init__(self, coin: str, liquidated: pl.DataFrame) -> None:
        self.coin, self.contract = coin, contract("bybit", coin)
        self.hours = list(bybit_hours(coin))
        first = self.hours[0][1].open
        self.running = {(name, s): make(s, first) for name, make in ESTIMATORS.items() for s in SIDES.values()}
        self.mark = first
        of_coin = liquidated.filter(pl.col("coin") == coin)
        self.liquidated = {
            s: dict(of_coin.filter(pl.col("side") == side).select("open_ms", "realised").iter_rows())
            for side, s in SIDES.items()
        }
        self.swept: dict[tuple[int, int], list[Floats]] = {}  # (side, start of four hours) -> sweeps of each hour
        self.priors = {("bybit", s): prior("bybit") for s in SIDES.values()}
        self.learnt: dict[int, Assumptions] = {s: prior("bybit") for s in SIDES.values()}

    def rows(self) -> Iterator[Predicted]:
        for start_ms, bar in self.hours:
            if start_ms % DAY_MS == 0:
                self.learn(start_ms)
            for side, s in SIDES.items():
                for name, reading, usd in self.hour(start_ms, bar, s):
                    yield self.coin, side, start_ms, name, reading, usd
            self.mark = bar.close

    def hour(self, start_ms: int, bar: Bar, s: int) -> Iterator[tuple[str, str, float]]:
        yield RANGE, RANGE, max(s * float(np.log(self.mark / reached(bar, s))), 0.0)
        for name in ESTIMATORS:
            estimator = self.running[name, s]
            assumed = self.learnt[s] if name == "fitted" else self.priors["bybit", s]
            yield name, STOOD, stood_in_the_way(estimator, assumed, reached(bar, s), s)
            estimator.advance([bar], self.contract, start_ms // HOUR_MS + 1)
            if isinstance(estimator, Cohorts):
                swept = estimator.swept * (bar.low * bar.high) ** 0.5
                yield name, SWEPT, float((assumed.weight * swept).sum())
                if name == "fitted":
                    self.swept.setdefault((s, start_ms // FOUR_HOURS_MS * FOUR_HOURS_MS), []).append(swept)

    def learn(self, now_ms: int) -> None:
        observed = {("bybit", s): self.observed(s, now_ms) for s in SIDES.values()}
        if all(len(each.realised) for each in observed.values()):
            self.learnt = {s: each.assumed for (_, s), each in fit("bench", self.priors, observed).items()}

    def observed(self, s: int, now_ms: int) -> Observed:
        """Return the liquidations of all exchanges as one complete feed; its level is not that of one exchange."""
        over = [
            (np.sum(hours, axis=0), self.liquidated[s][start_ms])
            for (side, start_ms), hours in self.swept.items()
            if side == s and len(hours) == 4 and start_ms in self.liquidated[s] and start_ms + FOUR_HOURS_MS <= now_ms
        ]
        shape = self.running["fitted", s].swept.shape  # type: ignore[attr-defined]
        swept = np.array([each for each, _ in over]).reshape(len(over), *shape)
        return Observed(swept, np.array([usd for _, usd in over]), complete=True)


def features(coin: str) -> dict[str, dict[int, Floats]]:
    """Return what a regression without a map knows of each four hours, by side and start.

    Logs of range, volume, the move against the side, and how far price went beyond its extreme of the hours before.
    """
    hours = list(bybit_hours(coin))
    start = np.array([at for at, _ in hours])
    names = ("open", "low", "high", "taker_base")
    opened, low, high, volume = (np.array([getattr(bar, name) for _, bar in hours]) for name in names)
    made: dict[str, dict[int, Floats]] = {side: {} for side in SIDES}
    for first in np.flatnonzero(start % FOUR_HOURS_MS == 0):
        if first < max(LOOKED_BACK_H) or first + 4 > len(start):
            continue
        now = slice(first, first + 4)
        moved, traded = np.log(high[now].max() / low[now].min()), np.log(volume[now].sum())
        past = [slice(first - back, first) for back in LOOKED_BACK_H]
        for side, further in (
            (
                "long",
                [np.log(price / low[now].min()) for price in (opened[first], *(low[each].min() for each in past))],
            ),
            ("short", [np.log(high[now].max() / p) for p in (opened[first], *(high[each].max() for each in past))]),
        ):
            against = np.log(np.maximum(further, 0.0) + LEAST_MOVE)
            made[side][int(start[first])] = np.array([1.0, np.log(moved), traded, *against])
    return made


def regression(coin: str, liquidated: pl.DataFrame) -> Iterator[Predicted]:
    """Yield the predictions of a regression of log liquidations on `features`, refitted every midnight, as hours."""
    for side, known in features(coin).items():
        own = liquidated.filter(coin=coin, side=side).select("open_ms", "realised").iter_rows()
        told = {at: usd for at, usd in own if at in known}
        for day in sorted({at // DAY_MS for at in known}):
            before = [at for at in told if at + FOUR_HOURS_MS <= day * DAY_MS]
            if len(before) < 6 * len(LOOKED_BACK_H):
                continue
            x, y = np.array([known[at] for at in before]), np.log1p([told[at] for at in before])
            slopes = np.linalg.lstsq(x, y, rcond=None)[0]
            for at in (at for at in known if at // DAY_MS == day):
                usd = float(np.expm1(known[at] @ slopes))
                for hour in range(4):
                    yield coin, side, at + hour * HOUR_MS, REGRESSION, REGRESSION, max(usd, 0.0) / 4


def partial(predicted: pl.DataFrame, liquidated: pl.DataFrame, coin: str, side: str) -> float:
    """Return the rank correlation of the fitted sweep with liquidations, given the features of the regression."""
    known = features(coin)[side]
    sums = (
        predicted.filter(coin=coin, side=side, name="fitted", reading=SWEPT)
        .group_by(pl.col("open_ms") // FOUR_HOURS_MS * FOUR_HOURS_MS)
        .agg(pl.col("usd").sum())
        .join(liquidated.filter(coin=coin, side=side), on="open_ms")
        .filter(pl.col("open_ms").is_in(list(known)))
        .sort("open_ms")
        .tail(SCORED_DAYS * 6)
    )
    given = pl.DataFrame(np.array([known[at] for at in sums["open_ms"]])).select(pl.all().rank())
    x = np.column_stack([np.ones(len(sums)), given.to_numpy()[:, 1:]])
    ranks = (sums[name].rank().to_numpy() for name in ("usd", "realised"))
    apart = [y - x @ np.linalg.lstsq(x, y, rcond=None)[0] for y in ranks]
    return float(np.corrcoef(*apart)[0, 1])


def stood_in_the_way(estimator: Estimator, assumed: Assumptions, price: float, s: int) -> float:
    """Return the USD of the current map that a mark at `price` reaches."""
    buckets, usd = estimator.standing(assumed)
    return float(usd[0].sum(axis=0)[s * (middle(buckets) - price) >= 0.0].sum())


def scored(predicted: pl.DataFrame, liquidated: pl.DataFrame) -> pl.DataFrame:
    """Return rank correlation and deviance over the last days; a day's factor comes from earlier days."""
    key = ["coin", "side", "name", "reading"]
    four_hours = (
        predicted.group_by(*key, pl.col("open_ms") // FOUR_HOURS_MS * FOUR_HOURS_MS)
        .agg(pl.col("usd").sum().alias("predicted"), pl.len().alias("hours"))
        .filter(pl.col("hours") == 4)
        .join(liquidated, on=["coin", "side", "open_ms"])
        .with_columns(pl.col("open_ms").floordiv(DAY_MS).alias("day"))
    )
    days = (
        four_hours.group_by(*key, "day")
        .agg(pl.col("predicted", "realised").sum(), pl.len().alias("n"))
        .sort("day")
        .with_columns(pl.col("predicted", "realised", "n").cum_sum().shift(1).over(key).name.suffix("_before"))
        .select(*key, "day", "predicted_before", "realised_before", "n_before")
    )
    factor = pl.col("realised_before") / pl.col("predicted_before")
    usual = pl.col("realised_before") / pl.col("n_before")
    last_day = four_hours["day"].max()
    assert isinstance(last_day, int)
    told = (
        four_hours.join(days, on=[*key, "day"])
        .filter(pl.col("day") > last_day - SCORED_DAYS)
        .with_columns(pl.max_horizontal(pl.col("predicted") * factor, usual * FLOOR).alias("told"))
    )
    y, m = pl.col("realised"), pl.col("told")
    deviance = 2.0 * (pl.when(y > 0.0).then(y * (y / m).log()).otherwise(0.0) - y + m)
    rank = pl.corr("predicted", "realised", method="spearman")
    return told.group_by(key).agg(rank.alias("rank"), (deviance.mean() / 1e6).alias("deviance"), pl.len().alias("n"))


def test_scores_on_recorded_liquidations() -> None:
    liquidated = realised()
    rows = [row for coin in COINS for row in (*Walk(coin, liquidated).rows(), *regression(coin, liquidated))]
    predicted = pl.DataFrame(rows, schema=["coin", "side", "open_ms", "name", "reading", "usd"], orient="row")
    scores = scored(predicted, liquidated)
    assert scores["rank"].is_between(-1.0, 1.0).all()
    assert scores["deviance"].is_finite().all()
    columns = ("name", "reading", "coin", "side", "rank", "deviance")
    by = {tuple(row[:4]): row[4:] for row in scores.select(columns).iter_rows()}
    markets = [(coin, side) for coin in COINS for side in SIDES]
    order = [RANGE, REGRESSION, *reversed(ESTIMATORS)]
    readings = sorted({each[:2] for each in by}, key=lambda each: (order.index(each[0]), each[1]))
    titles = ("Rank correlation", "Poisson deviance, millions of USD"), ("{:.3f}", "{:.2f}")
    for i, (title, form) in enumerate(zip(*titles, strict=True)):
        heads = ("", *(f"{coin} {side}s" for coin, side in markets), "mean")
        grid = Grid(*heads, title=f"{title}, last {SCORED_DAYS} days")
        for name, reading in readings:
            values = [by[name, reading, *market][i] for market in markets]
            what = name if reading == name else f"{name}, {reading}"
            grid.add_row(what, *(form.format(x) for x in [*values, float(np.mean(values))]))
        if i == 0:
            given = [partial(predicted, liquidated, *market) for market in markets]
            grid.add_row("fitted, swept, given the regression", *(form.format(x) for x in [*given, np.mean(given)]))
        Console(width=140).print(grid)


def nearby(estimators: Mapping[int, Estimator], assumed: Assumptions) -> Map:
    """Return USD by bucket and side within NEAR of the mark; longs and shorts have separate keys."""
    made: Map = {}
    for s, estimator in estimators.items():
        buckets, usd = estimator.standing(assumed)
        inside = np.abs(middle(buckets) / estimator.mark - 1.0) <= NEAR
        made |= {2 * int(b) + (s > 0): x for b, x in zip(buckets[inside], usd[0].sum(axis=0)[inside], strict=True)}
    return made


def change(before: Map, after: Map) -> float:
    """Return the sum of absolute differences relative to the map before."""
    differences = sum(abs(after.get(each, 0.0) - before.get(each, 0.0)) for each in before.keys() | after.keys())
    return differences / max(sum(before.values()), 1.0)


class Steadiness:
    """An estimator on a coin: changes of its map from a withheld day and from an hour without a move."""

    def __init__(self, name: str, coin: str) -> None:
        self.name, self.hours, self.contract = name, binance_hours(coin), contract("binance", coin)
        self.assumed = prior("binance")
        first = self.hours[0][1][0].open
        self.estimators = {s: ESTIMATORS[name](s, first) for s in SIDES.values()}
        self.withheld: list[float] = []
        self.quiet: list[float] = []

    def advance(self, estimators: Mapping[int, Estimator], start_ms: int, bars: list[Bar]) -> None:
        for estimator in estimators.values():
            estimator.advance(bars, self.contract, start_ms // HOUR_MS + 1)

    def measured(self) -> tuple[list[float], list[float]]:
        first_ms = self.hours[0][0]
        probes = {first_ms + day * DAY_MS for day in PROBES_DAYS}
        gap_ms = WITHHELD_AGO_DAYS * DAY_MS
        blind: dict[
            int, dict[int, Estimator]
        ] = {}  # by probe: estimators without the day that ended `gap_ms` before it
        before: Map = {}
        for start_ms, bars in self.hours:
            if start_ms + gap_ms + DAY_MS in probes:
                blind[start_ms + gap_ms + DAY_MS] = copy.deepcopy(self.estimators)
            mark = self.estimators[+1].mark
            self.advance(self.estimators, start_ms, bars)
            for probe_ms, estimators in blind.items():
                self.advance(estimators, start_ms, [] if start_ms < probe_ms - gap_ms else bars)
            if start_ms + HOUR_MS in probes:
                with_it = nearby(self.estimators, self.assumed)
                self.withheld.append(change(with_it, nearby(blind.pop(start_ms + HOUR_MS), self.assumed)))
            after = nearby(self.estimators, self.assumed)
            if start_ms >= min(probes) and abs(bars[-1].close / mark - 1.0) < QUIET:
                self.quiet.append(change(before, after))
            before = after
        return self.withheld, self.quiet


def test_steadiness_of_maps() -> None:
    grid = Grid("", title=f"Share of the map within {NEAR:.0%} that changes: median and 90th percentile")
    for coin in COINS:
        grid.add_column(f"{coin}: a day withheld")
        grid.add_column(f"{coin}: a quiet hour")
    for name in ESTIMATORS:
        if name == "fitted":
            continue  # no recorded liquidations in these months, so it equals the prior
        cells = [each for coin in COINS for each in Steadiness(name, coin).measured()]
        assert all(cells)
        grid.add_row(name, *(f"{np.median(each):.1%} {np.quantile(each, 0.9):.1%} ({len(each)})" for each in cells))
    Console(width=140).print(grid)
