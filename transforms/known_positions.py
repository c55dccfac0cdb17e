"""Markets whose positions are known: from what is published to estimates, hour by hour, and how far off those are.

A market is carried forward over all its venues at once. At each UTC midnight the weights are fitted to what was
liquidated on the days completed by then, and at each instant asked for the map is read with the newest fit: nothing
that was published later has a part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from transforms.exchanges.documented_tiers import documented
from transforms.model.assumptions import Assumptions, prior
from transforms.model.bands import band
from transforms.model.distance_profile import Contract
from transforms.model.estimate import HourInput, middle_price
from transforms.model.estimators import ESTIMATORS, Cohorts, Estimator
from transforms.model.fit import TYPICAL_SIZE_USD, Observed, Side, fit
from transforms.model.hour import Bar
from transforms.model.liquidation_price import Tiers
from transforms.model.price_grid import Floats, Ints, edge, middle
from transforms.model.unseen import unseen_log_sd

BAR_MS, HOUR_MS, DAY_H = 300_000, 3_600_000, 24
DISTANCES = (0.01, 0.02, 0.03, 0.05, 0.10)
FLOOR_USD = 100_000.0
WINDOWS = ("all", "1d")
"""In the order of an estimator's ages."""

SIDE_OF = {"long": +1, "short": -1}
WARM_UP_H = 72
"""Hours that no fit looks at: what the mark sweeps in them was mostly opened before anything was published."""

SUM = ("market", "exchange", "at_ms", "window", "side", "distance")
"""What names a sum between the mark and a distance."""

_LEAST_H = 24  # of a feed, before it is fitted to
_ENOUGH_TO_TELL, _APART = 200, 0.95  # events by which it shows; the share of them with a second of their own
_NAMES = {s: side for side, s in SIDE_OF.items()}


@dataclass(frozen=True)
class Reading:
    """One side of one venue as an estimator sees it at an instant.

    usd [ages, classes, n] by bucket [n]; log_sd [classes], size_usd and unseen_log_sd as bands.py has them.
    """

    estimator: str
    exchange: str
    at_ms: int
    s: int
    mark: float
    buckets: Ints
    usd: Floats
    log_sd: Floats
    size_usd: float
    unseen_log_sd: float


def binance_contract() -> Contract:
    """The contract of every venue of these markets: they all have Binance's tiers and rules."""
    names = ("tier_cap", "maintenance_rate", "deduction", "max_leverage_x")
    tiers = pl.DataFrame(documented("binance")).sort("tier_floor")
    cap, rate, deduction, leverage = (tuple(tiers[name].to_list()) for name in names)
    return Contract("binance", "linear", Tiers(cap, rate, deduction, leverage))


def hour_inputs(published: pl.DataFrame, contract: Contract) -> dict[str, dict[int, HourInput]]:
    """By exchange and hour (its end, hours since the epoch), from the bars of one market.

    What is missing of a bar's open interest and accounts is NaN, of its volume 0; hours without bars are left out.
    """
    return {
        str(key[0]): _hours(bars, contract)
        for key, bars in published.sort("exchange", "open_ms")
        .partition_by("exchange", as_dict=True, maintain_order=True)
        .items()
    }


def _hours(bars: pl.DataFrame, contract: Contract) -> dict[int, HourInput]:
    taker = (pl.col("taker_buy_base") + pl.col("taker_sell_base")) / 2
    columns: list[pl.Expr] = [
        pl.lit(BAR_MS / HOUR_MS),
        *(pl.col(name) for name in ("open", "high", "low", "close")),
        taker.fill_null(0.0).alias("taker"),
        pl.col("open_interest_base").fill_null(float("nan")),
    ]
    made = {
        s: bars.select(*columns, _growth(accounts)).rows()
        for s, accounts in ((+1, "long_accounts"), (-1, "short_accounts"))
    }
    hour_h = bars["open_ms"].to_numpy() // HOUR_MS + 1
    first = np.flatnonzero(np.diff(hour_h, prepend=-1))
    hours = {}
    for start, stop in zip(first.tolist(), [*first[1:].tolist(), len(hour_h)], strict=True):
        own = {s: [Bar(*row) for row in rows[start:stop]] for s, rows in made.items()}
        last = own[+1][-1]
        ends = int(bars["open_ms"][stop - 1]) + BAR_MS == int(hour_h[start]) * HOUR_MS
        hours[int(hour_h[start])] = HourInput(
            int(hour_h[start]), own, contract, ends and not np.isnan(last.open_interest)
        )
    return hours


def _growth(accounts: str) -> pl.Expr:
    """Change over number, NaN for the first bar and where nobody is left."""
    some = pl.when(pl.col(accounts) > 0).then(pl.col(accounts))
    return (pl.col(accounts).diff() / some).fill_null(float("nan")).alias("growth")


class Feed:
    """What one venue published of liquidations; a venue without any has no feed."""

    def __init__(self, events: pl.DataFrame) -> None:
        ordered = events.sort("ts_ms", "side", "price", "base")
        self.hour_h = ordered["ts_ms"].to_numpy() // HOUR_MS + 1
        self.long = (ordered["side"] == "long").to_numpy()
        self.usd = (ordered["price"] * ordered["base"]).to_numpy()
        self.second = ordered["ts_ms"].to_numpy() // 1000

    def observed(self, s: int, hour_h: Ints, swept: Floats) -> Observed | None:
        """Of the hours `hour_h`, in which the mark swept `swept` [n, classes, holdings] USD at a weight of one.

        None where that teaches nothing. Hours up to that of the feed's first event are left out, and those after its
        last one so far: it may have begun late, and it may have ended. A side that was quiet while the other was not is
        observed to be quiet.
        """
        if not len(hour_h):
            return None
        so_far = self.hour_h[self.hour_h <= hour_h[-1]]
        if not len(so_far):
            return None
        hours = (hour_h > so_far[0]) & (hour_h <= so_far[-1])
        if int(hours.sum()) < _LEAST_H or self._thinned(int(hour_h[-1])):
            return None
        first, last = int(hour_h[0]), int(hour_h[-1])
        mine = (self.long if s > 0 else ~self.long) & (self.hour_h >= first) & (self.hour_h <= last)
        sums = np.bincount(self.hour_h[mine] - first, self.usd[mine], last - first + 1)
        return Observed(swept[hours], sums[hour_h - first][hours], self.size_usd(s, last))

    def _thinned(self, last_h: int) -> bool:
        """Whether hardly ever two of one side fell into one second: some venues show one a second at most.

        Files do not say so. Such a feed misses most where most is liquidated: it misleads in shape as in level. Of a
        full one most come together.
        """
        known = self.hour_h <= last_h
        moments = np.unique(self.second[known] * 2 + self.long[known])
        return int(known.sum()) >= _ENOUGH_TO_TELL and len(moments) > _APART * int(known.sum())

    def size_usd(self, s: int, last_h: int) -> float:
        """E[x^2]/E[x] of the side's liquidations up to the hour `last_h`; the typical one before the first."""
        own = self.usd[(self.long if s > 0 else ~self.long) & (self.hour_h <= last_h)]
        return float((own**2).sum() / own.sum()) if own.sum() > 0.0 else TYPICAL_SIZE_USD


class _Learnt:
    """What is known of the crowd by an hour: the newest fit, and what it was fitted to."""

    def __init__(self, first_h: Mapping[str, int], feeds: Mapping[str, Feed]) -> None:
        self.priors: dict[Side, Assumptions] = {(e, s): prior(e) for e in first_h for s in SIDE_OF.values()}
        self.feeds, self.first_h = feeds, first_h
        self.hours: dict[Side, list[int]] = {side: [] for side in self.priors}
        self.swept: dict[Side, list[Floats]] = {side: [] for side in self.priors}
        self.fitted: dict[Side, Assumptions] = self.priors
        self.fitted_h = 0

    def note(self, side: Side, hour: HourInput, swept: Floats) -> None:
        """An hour that the mark went through; hours without bars and of the warm-up teach nothing."""
        bars = hour.bars[side[1]]
        if not bars or hour.hour_h < self.first_h[side[0]] + WARM_UP_H:
            return
        self.hours[side].append(hour.hour_h)
        self.swept[side].append(swept * middle_price(bars))

    def by(self, hour_h: int) -> dict[Side, Assumptions]:
        """The newest fit as of the hour: to all days completed by then, or the prior where no feed tells anything."""
        until_h = hour_h // DAY_H * DAY_H
        if until_h > self.fitted_h:
            self.fitted_h = until_h
            observed = {side: own for side in self.priors if (own := self._observed(side, until_h)) is not None}
            made = fit(f"fitted-{until_h // DAY_H}", self.priors, observed) if observed else {}
            self.fitted = {side: each.assumed for side, each in made.items()} or self.priors
        return self.fitted

    def _observed(self, side: Side, until_h: int) -> Observed | None:
        exchange, s = side
        hour_h = np.array(self.hours[side], dtype=np.int64)
        completed = int((hour_h <= until_h).sum())
        if exchange not in self.feeds or not completed:
            return None
        return self.feeds[exchange].observed(s, hour_h[:completed], np.stack(self.swept[side][:completed]))

    def size_usd(self, side: Side, hour_h: int) -> float:
        """E[x^2]/E[x] of the side's liquidations in the days completed by the hour."""
        exchange, s = side
        until_h = hour_h // DAY_H * DAY_H
        return self.feeds[exchange].size_usd(s, until_h) if exchange in self.feeds else TYPICAL_SIZE_USD


def read(
    published: pl.DataFrame,
    realised: pl.DataFrame,
    at_ms: Iterable[int],
    estimators: Sequence[str] = tuple(ESTIMATORS),
    step: Callable[[], None] = lambda: None,
) -> Iterator[Reading]:
    """Each estimator's view of each venue and side of one market at the full hours `at_ms`, from what was known then.

    published, realised: the market's rows. `step` is called for each hour that is passed, `hours_to_pass` times.
    """
    wanted = {at // HOUR_MS for at in at_ms}
    contract = binance_contract()
    hours = hour_inputs(published, contract)
    first_h = {exchange: min(own) for exchange, own in hours.items()}
    learnt = _Learnt(first_h, _feeds(realised))
    makers = {name: ESTIMATORS[name] for name in estimators}  # ours is carried once, however it is read
    carried: dict[Side, dict[Callable[[int, float], Estimator], Estimator]] = {}
    for hour_h in range(min(first_h.values(), default=0), max(wanted, default=0) + 1):
        for side in (side for side in learnt.priors if first_h[side[0]] <= hour_h):
            exchange, s = side
            hour = hours[exchange].get(hour_h) or HourInput(hour_h, {s: [] for s in _NAMES}, contract, fresh=False)
            if side not in carried:
                carried[side] = {make: make(s, hour.bars[s][0].open) for make in makers.values()}
            for each in carried[side].values():
                each.advance(hour.bars[s], contract, hour_h)
                if isinstance(each, Cohorts):
                    learnt.note(side, hour, each.swept)
        step()
        if hour_h in wanted:
            for name, make in makers.items():
                assumed = learnt.by(hour_h) if name == "fitted" else learnt.priors
                for side, own in carried.items():
                    yield _reading(name, side, hour_h, own[make], assumed[side], learnt.size_usd(side, hour_h))


def hours_to_pass(published: pl.DataFrame, at_ms: Iterable[int]) -> int:
    """How many hours of one market `read` goes through to answer for `at_ms`."""
    first = published["open_ms"].min()
    return max(max(at_ms, default=0) // HOUR_MS - int(str(first)) // HOUR_MS, 0) if first is not None else 0


def _feeds(realised: pl.DataFrame) -> dict[str, Feed]:
    return {str(key[0]): Feed(events) for key, events in realised.partition_by("exchange", as_dict=True).items()}


def _reading(
    name: str, side: Side, hour_h: int, estimator: Estimator, assumed: Assumptions, size_usd: float
) -> Reading:
    buckets, usd = estimator.standing(assumed)
    crowd = estimator.crowd if isinstance(estimator, Cohorts) else None
    unseen = unseen_log_sd(crowd.moves, hour_h, assumed.weight, crowd.seated_h) if crowd else 0.0
    about = (name, side[0], hour_h * HOUR_MS, side[1], estimator.mark)
    return Reading(*about, buckets, usd, assumed.log_sd, size_usd, unseen)


def levels(readings: Iterable[Reading]) -> pl.DataFrame:
    """The maps: one row a bucket that holds a dollar or more, by window and side, over all leverages."""
    parts = [_levels(reading, age) for reading in readings for age in range(len(WINDOWS))]
    return pl.concat(parts) if parts else pl.DataFrame(schema=_LEVELS)


_OF = {"estimator": pl.String, "exchange": pl.String, "at_ms": pl.Int64, "window": pl.String, "side": pl.String}
_LEVELS = pl.Schema({**_OF, "low": pl.Float64, "high": pl.Float64, "usd": pl.Float64})
_SUMS = pl.Schema(_OF | dict.fromkeys(("distance", "usd", "p10", "p50", "p90"), pl.Float64))


def _levels(reading: Reading, age: int) -> pl.DataFrame:
    usd = reading.usd[age].sum(axis=0)
    filled = np.flatnonzero(usd >= 1.0)
    of = (reading.estimator, reading.exchange, reading.at_ms, WINDOWS[age], _NAMES[reading.s])
    low, high = (edge(reading.buckets[filled] + step) for step in (0, 1))
    return pl.DataFrame({"low": low, "high": high, "usd": usd[filled]}).select(
        *(pl.lit(value, dtype).alias(name) for value, (name, dtype) in zip(of, _OF.items(), strict=True)), pl.all()
    )


def cumulative(readings: Iterable[Reading]) -> pl.DataFrame:
    """Dollars between the mark and each distance, with the 10th, 50th and 90th percentile of where the truth lies."""
    rows = []
    for reading in readings:
        away = np.abs(middle(reading.buckets) / reading.mark - 1.0)
        within = (away <= np.array(DISTANCES)[:, None]).astype(np.float64)  # [distances, n]
        by_class = reading.usd[: len(WINDOWS)] @ within.T  # [windows, classes, distances]
        usd = by_class.sum(axis=1)
        bands = band(by_class.swapaxes(1, 2), reading.log_sd, reading.size_usd, reading.unseen_log_sd)
        of = (reading.estimator, reading.exchange, reading.at_ms)
        for (w, window), (d, distance) in product(enumerate(WINDOWS), enumerate(DISTANCES)):
            spread = (float(each[w, d]) for each in (usd, *bands))
            rows.append((*of, window, _NAMES[reading.s], distance, *spread))
    return pl.DataFrame(rows, schema=_SUMS, orient="row")


def true_sums(true_map: pl.DataFrame) -> pl.DataFrame:
    """Dollars that truly stand between the mark and each distance; a bucket counts by its middle."""
    away = ((pl.col("low") * pl.col("high")).sqrt() / pl.col("mark_price") - 1.0).abs()
    return pl.concat(
        true_map.filter(away <= distance)
        .with_columns(pl.lit(distance).alias("distance"))
        .group_by(SUM)
        .agg(pl.col("usd").sum().alias("truth"))
        for distance in DISTANCES
    )


def factors(estimates: pl.DataFrame, true_map: pl.DataFrame) -> pl.DataFrame:
    """The estimates (`cumulative`, with their market) beside the truth; `factor` 1 is perfect, 2 is off by two.

    Where nothing truly stands the truth is nothing; an instant that the truth does not speak of is left out.
    """
    told = true_map.select("market", "at_ms").unique()
    both = estimates.join(told, on=["market", "at_ms"], how="semi").join(true_sums(true_map), on=SUM, how="left")
    usd, truth = (pl.col(name).fill_null(0.0).clip(lower_bound=FLOOR_USD).log() for name in ("usd", "truth"))
    return both.with_columns(pl.col("truth").fill_null(0.0), (usd - truth).abs().exp().alias("factor"))


def medians(scored: pl.DataFrame) -> pl.DataFrame:
    """Median factors as a table, a column an estimator: of all sums, by distance, by side, by exchange.

    `market` is a number, or `all` where there are several.
    """
    columns = scored["estimator"].unique(maintain_order=True).to_list()
    each = scored.with_columns(pl.col("market").cast(pl.String))
    if each["market"].n_unique() > 1:
        each = pl.concat([each, each.with_columns(pl.lit("all").alias("market"))])
    percent = pl.format("within {} %", (pl.col("distance") * 100).round(1).cast(pl.Int64))
    groups = (pl.lit("all sums"), percent, pl.col("side"), pl.col("exchange"))
    tables = [
        each.with_columns(group.alias("of"))
        .group_by("market", "window", "of", "estimator", maintain_order=True)
        .agg(pl.len().cast(pl.Int64).alias("sums"), pl.col("factor").median())
        .pivot("estimator", index=["market", "window", "of", "sums"], values="factor", maintain_order=True)
        for group in groups
    ]
    return pl.concat(table.select("market", "window", "of", "sums", *columns) for table in tables)
