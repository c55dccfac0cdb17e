"""Point-in-time estimates, hour by hour, for markets with known positions, from their public data alone.

All exchanges of a market advance together. At each UTC midnight the weights are fitted to the liquidations of the days
completed by then. At each requested instant the map is read with the newest fit, so later data has no effect on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from transforms.evaluation.known_feed import Feed
from transforms.exchanges.parsing.documented_tiers import documented
from transforms.hourly.hours import HOUR_MS
from transforms.model.assumptions import Assumptions, prior
from transforms.model.distance_profile import Contract
from transforms.model.estimator import HourInput, middle_price
from transforms.model.estimators import ESTIMATORS, Cohorts, Estimator
from transforms.model.fitting.fit import TYPICAL_SIZE_USD, Observed, Side, fit
from transforms.model.fitting.survival import Survival, survival
from transforms.model.gap_uncertainty import gap_log_sd
from transforms.model.liquidation_price import Tiers
from transforms.model.price_grid import Floats, Ints
from transforms.model.step import Bar

FIVE_MINUTES_MS, DAY_H = 300_000, 24
WINDOWS = ("all", "1d")
"""Windows in the order of an estimator's ages."""

SIDE_OF = {"long": +1, "short": -1}
WARM_UP_H = 72
"""Hours that no fit uses: most positions swept in them were opened before the data begins."""

NAME_OF = {s: side for side, s in SIDE_OF.items()}


@dataclass(frozen=True)
class Reading:
    """An estimator's view of one side of one exchange at an instant.

    usd [ages, classes, n] by bucket [n]; log_sd [classes], size_usd and gap_log_sd as in bands.py.
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
    gap_log_sd: float


def contract_of(exchange: str) -> Contract:
    """Return the contract of an exchange: Hyperliquid has its own tiers and rules, simulated exchanges Binance's."""
    rules = exchange if exchange == "hyperliquid" else "binance"
    names = ("tier_cap", "maintenance_rate", "deduction", "max_leverage_x")
    tiers = pl.DataFrame(documented(rules)).sort("tier_floor")
    cap, rate, deduction, leverage = (tuple(tiers[name].to_list()) for name in names)
    return Contract(rules, "linear", Tiers(cap, rate, deduction, leverage))


def bar_ms(open_ms: pl.Series) -> int:
    """Return the length of one exchange's bars: their smallest distance, five minutes for a single bar, at most 1 h."""
    shortest = open_ms.sort().diff().min()
    return min(int(str(shortest)), HOUR_MS) if shortest is not None else FIVE_MINUTES_MS


def hour_inputs(published: pl.DataFrame) -> dict[str, dict[int, HourInput]]:
    """Return inputs by exchange and hour (its end, hours since the epoch), from the bars of one market.

    Missing open interest, volume and accounts are NaN; hours without bars are left out.
    """
    return {
        str(key[0]): _hours(bars, contract_of(str(key[0])))
        for key, bars in published.sort("exchange", "open_ms")
        .partition_by("exchange", as_dict=True, maintain_order=True)
        .items()
    }


def _hours(bars: pl.DataFrame, contract: Contract) -> dict[int, HourInput]:
    taker = (pl.col("taker_buy_base") + pl.col("taker_sell_base")) / 2
    unknown, length_ms = float("nan"), bar_ms(bars["open_ms"])
    columns: list[pl.Expr] = [
        pl.lit(length_ms / HOUR_MS),
        *(pl.col(name) for name in ("open", "high", "low", "close")),
        taker.fill_null(unknown).alias("taker"),
        pl.col("open_interest_base").fill_null(unknown),
    ]
    bar_rows = {
        s: bars.select(*columns, _growth(accounts)).rows()
        for s, accounts in ((+1, "long_accounts"), (-1, "short_accounts"))
    }
    hour_h = bars["open_ms"].to_numpy() // HOUR_MS + 1
    first = np.flatnonzero(np.diff(hour_h, prepend=-1))
    hours = {}
    for start, stop in zip(first.tolist(), [*first[1:].tolist(), len(hour_h)], strict=True):
        own = {s: [Bar(*row) for row in rows[start:stop]] for s, rows in bar_rows.items()}
        last = own[+1][-1]
        ends = int(bars["open_ms"][stop - 1]) + length_ms == int(hour_h[start]) * HOUR_MS
        hours[int(hour_h[start])] = HourInput(
            int(hour_h[start]), own, contract, ends and not np.isnan(last.open_interest)
        )
    return hours


def _growth(accounts: str) -> pl.Expr:
    """Return the change of `accounts` over their number; NaN for the first bar, a missing count and a count of zero."""
    some = pl.when(pl.col(accounts) > 0).then(pl.col(accounts))
    return (pl.col(accounts).diff() / some).fill_null(float("nan")).alias("growth")


class FitHistory:
    """The newest fit of a market by hour, with the exposure that it is fitted to."""

    def __init__(self, inputs: Mapping[str, Mapping[int, HourInput]], feeds: Mapping[str, Feed]) -> None:
        self.priors: dict[Side, Assumptions] = {(e, s): prior(e) for e in inputs for s in SIDE_OF.values()}
        self.feeds, self.inputs = feeds, inputs
        self.first_h = {exchange: min(hours) for exchange, hours in inputs.items()}
        self.hours: dict[Side, list[int]] = {side: [] for side in self.priors}
        self.swept: dict[Side, list[Floats]] = {side: [] for side in self.priors}
        self.fitted: dict[Side, Assumptions] = self.priors
        self.fitted_h = 0

    def record(self, side: Side, hour: HourInput, swept: Floats) -> None:
        """Record the exposure of an hour; hours without bars and hours of the warm-up are ignored."""
        bars = hour.bars[side[1]]
        if not bars or hour.hour_h < self.first_h[side[0]] + WARM_UP_H:
            return
        self.hours[side].append(hour.hour_h)
        self.swept[side].append(swept * middle_price(bars))

    def fit_at(self, hour_h: int) -> dict[Side, Assumptions]:
        """Return the newest fit as of the hour, to all days completed by then; the prior without a usable feed."""
        until_h = hour_h // DAY_H * DAY_H
        if until_h > self.fitted_h:
            self.fitted_h = until_h
            observed = {side: own for side in self.priors if (own := self._observe(side, until_h)) is not None}
            version = f"fitted-{until_h // DAY_H}"
            fits = fit(version, self.priors, observed, self._survival(until_h)) if observed else {}
            self.fitted = {side: each.assumed for side, each in fits.items()} or self.priors
        return self.fitted

    def _survival(self, until_h: int) -> Survival:
        flows = (feed.flows(self.inputs[exchange], until_h) for exchange, feed in self.feeds.items())
        return survival(each for each in flows if each is not None)

    def _observe(self, side: Side, until_h: int) -> Observed | None:
        exchange, s = side
        hour_h = np.array(self.hours[side], dtype=np.int64)
        completed = int((hour_h <= until_h).sum())
        if exchange not in self.feeds or not completed:
            return None
        return self.feeds[exchange].observe(s, hour_h[:completed], np.stack(self.swept[side][:completed]))

    def size_usd(self, side: Side, hour_h: int) -> float:
        """Return E[x^2]/E[x] of the side's liquidations in the days completed by the hour."""
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
    """Yield each estimator's view of each exchange and side of a market at the full hours `at_ms`, point in time.

    published, realised: the market's rows. `step` is called after each hour, `count_hours` times.
    """
    requested = {at // HOUR_MS for at in at_ms}
    hours = hour_inputs(published)
    contracts = {exchange: contract_of(exchange) for exchange in hours}
    history = FitHistory(hours, _feeds(realised))
    first_h = history.first_h
    makers = {name: ESTIMATORS[name] for name in estimators}  # `fitted` and `prior` share one instance
    advanced: dict[Side, dict[Callable[[int, float], Estimator], Estimator]] = {}
    for hour_h in range(min(first_h.values(), default=0), max(requested, default=0) + 1):
        for side in (side for side in history.priors if first_h[side[0]] <= hour_h):
            exchange, s = side
            contract = contracts[exchange]
            hour = hours[exchange].get(hour_h) or HourInput(hour_h, {s: [] for s in NAME_OF}, contract, fresh=False)
            if side not in advanced:
                advanced[side] = {make: make(s, hour.bars[s][0].open) for make in makers.values()}
            for each in advanced[side].values():
                each.advance(hour.bars[s], contract, hour_h)
                if isinstance(each, Cohorts):
                    history.record(side, hour, each.swept)
        step()
        if hour_h in requested:
            for name, make in makers.items():
                assumed = history.fit_at(hour_h) if name == "fitted" else history.priors
                for side, own in advanced.items():
                    yield _reading(name, side, hour_h, own[make], assumed[side], history.size_usd(side, hour_h))


def count_hours(published: pl.DataFrame, at_ms: Iterable[int]) -> int:
    """Return the number of hours of one market that `read` advances through to reach `at_ms`."""
    first = published["open_ms"].min()
    return max(max(at_ms, default=0) // HOUR_MS - int(str(first)) // HOUR_MS, 0) if first is not None else 0


def _feeds(realised: pl.DataFrame) -> dict[str, Feed]:
    return {str(key[0]): Feed(events) for key, events in realised.partition_by("exchange", as_dict=True).items()}


def _reading(
    name: str, side: Side, hour_h: int, estimator: Estimator, assumed: Assumptions, size_usd: float
) -> Reading:
    buckets, usd = estimator.standing(assumed)
    crowd = estimator.crowd if isinstance(estimator, Cohorts) else None
    gaps = gap_log_sd(crowd.moves, hour_h, assumed.weight, crowd.initialised_h) if crowd else 0.0
    key = (name, side[0], hour_h * HOUR_MS, side[1], estimator.mark)
    return Reading(*key, buckets, usd, assumed.log_sd, size_usd, gaps)
