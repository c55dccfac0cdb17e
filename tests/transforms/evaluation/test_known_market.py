"""Published bars to a score: inputs by hour, observations of a fit, and no use of later data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from transforms.evaluation import known_error as sums_of
from transforms.evaluation import known_market as known
from transforms.evaluation.known_error import DISTANCES
from transforms.evaluation.known_feed import Feed
from transforms.evaluation.known_market import FIVE_MINUTES_MS as BAR_MS
from transforms.evaluation.known_market import HOUR_MS, Reading
from transforms.model.estimators import ESTIMATORS
from transforms.model.fitting.fit import TYPICAL_SIZE_USD
from transforms.model.liquidation_price import liquidation_price
from transforms.model.population import CLASSES, HOLDINGS
from warehouse.simulator.market.known_positions import FIRST_DAY, PRESETS, write

DAYS = 6
EXCHANGES = ("bybit", "okx")  # two are enough, and faster than three
END_MS = (FIRST_DAY + DAYS) * 24 * HOUR_MS
NOON_MS, MIDNIGHT_MS = END_MS - 36 * HOUR_MS, END_MS - 24 * HOUR_MS
UNKNOWN = math.nan
EVENTS = {"exchange": pl.String, "ts_ms": pl.Int64, "side": pl.String, "price": pl.Float64, "base": pl.Float64}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("known")
    write(made, {1: PRESETS["high_leverage"]}, seed=11, days=DAYS)  # the prior is wrong there
    return made


@pytest.fixture(scope="module")
def published(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "published_5m.parquet").filter(pl.col("exchange").is_in(EXCHANGES))


@pytest.fixture(scope="module")
def realised(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "realised_liquidations.parquet").filter(pl.col("exchange").is_in(EXCHANGES))


@pytest.fixture(scope="module")
def complete(published: pl.DataFrame, realised: pl.DataFrame) -> list[Reading]:
    """Return readings of every estimator, every six hours of the last day and a half."""
    times = range(NOON_MS, END_MS + 1, 6 * HOUR_MS)
    return list(known.read(published, realised, times))


def of(readings: Iterable[Reading], *names: str, at_ms: int | None = None) -> list[Reading]:
    return [r for r in readings if r.estimator in names and at_ms in (None, r.at_ms)]


def events(*rows: Sequence[object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=EVENTS, orient="row")


class TestEstimates:
    def test_later_data_has_no_effect(
        self, published: pl.DataFrame, realised: pl.DataFrame, complete: list[Reading]
    ) -> None:
        """At noon with the fit of that midnight, and at midnight with the fit of the day that ends then."""
        for at_ms in (NOON_MS, MIDNIGHT_MS):
            past = published.filter(pl.col("open_ms") + BAR_MS <= at_ms), realised.filter(pl.col("ts_ms") < at_ms)
            then = list(known.read(*past, [at_ms]))
            now = [reading for reading in complete if reading.at_ms == at_ms]
            assert_frame_equal(sums_of.levels(then), sums_of.levels(now), check_exact=True)
            assert_frame_equal(sums_of.cumulative(then), sums_of.cumulative(now), check_exact=True)

    def test_other_instants_and_estimators_have_no_effect(
        self, published: pl.DataFrame, realised: pl.DataFrame, complete: list[Reading]
    ) -> None:
        alone = list(known.read(published, realised, [MIDNIGHT_MS], ["fitted"]))
        beside = [each for each in complete if each.at_ms == MIDNIGHT_MS and each.estimator == "fitted"]
        assert_frame_equal(sums_of.cumulative(alone), sums_of.cumulative(beside), check_exact=True)

    def test_an_exchange_has_no_estimates_before_its_first_bar(
        self, published: pl.DataFrame, realised: pl.DataFrame
    ) -> None:
        begins = NOON_MS - 12 * HOUR_MS
        late = published.filter((pl.col("exchange") != "okx") | (pl.col("open_ms") >= begins))
        at_ms = [begins - HOUR_MS, begins + HOUR_MS]
        sums = sums_of.cumulative(known.read(late, realised, at_ms, ["prior"]))
        exchanges = {at: set(sums.filter(at_ms=at)["exchange"].to_list()) for at in at_ms}
        assert "okx" not in exchanges[at_ms[0]]
        assert exchanges[at_ms[1]] - exchanges[at_ms[0]] == {"okx"}

    def test_earlier_liquidations_have_an_effect(
        self, published: pl.DataFrame, realised: pl.DataFrame, complete: list[Reading]
    ) -> None:
        """More liquidations in one hour of a fitted day change the map, so the test of later data can fail."""
        more = realised.with_columns(
            pl.when(pl.col("ts_ms") // HOUR_MS == NOON_MS // HOUR_MS - 14)
            .then(pl.col("base") * 50.0)
            .otherwise(pl.col("base"))
            .alias("base")
        )
        one = sums_of.cumulative(of(complete, "fitted", at_ms=NOON_MS))
        other = sums_of.cumulative(known.read(published, more, [NOON_MS], ["fitted"]))
        assert not one["usd"].equals(other["usd"])

    def test_a_day_is_fitted_once_it_is_complete(
        self, published: pl.DataFrame, realised: pl.DataFrame, complete: list[Reading]
    ) -> None:
        """A fit applies from one midnight to the next: the morning's liquidations do not change noon."""
        rest = realised.filter(pl.col("ts_ms") < NOON_MS - 12 * HOUR_MS)
        noon = of(complete, "fitted", at_ms=NOON_MS)
        assert_frame_equal(
            sums_of.levels(known.read(published, rest, [NOON_MS], ["fitted"])), sums_of.levels(noon), check_exact=True
        )

    def test_the_fitted_estimator_beats_the_baselines(self, folder: Path, complete: list[Reading]) -> None:
        sums = sums_of.cumulative(complete).with_columns(pl.lit(1, pl.Int8).alias("market"))
        table = sums_of.medians(sums_of.factors(sums, pl.read_parquet(folder / "true_map.parquet")))
        overall = table.filter(pl.col("of") == "all sums")
        assert overall["window"].to_list() == ["all", "1d"]
        assert overall["sums"].to_list() == [7 * 2 * 2 * 5] * 2
        for row in overall.rows(named=True):
            assert 1.0 <= row["fitted"] < row["ladder"]
            assert row["ladder"] < row["open_interest"]
            assert row["fitted"] < row["prior"]

    def test_fit_without_feed_equals_the_prior(self, published: pl.DataFrame, realised: pl.DataFrame) -> None:
        first = published.filter(pl.col("exchange") == "okx")
        readings = list(known.read(first, realised.clear(), [NOON_MS], ["fitted", "prior"]))
        fitted, prior = (sums_of.levels(of(readings, name)).drop("estimator") for name in ("fitted", "prior"))
        assert fitted.height > 500
        assert_frame_equal(fitted, prior)

    def test_exchange_without_feed_borrows(
        self, published: pl.DataFrame, realised: pl.DataFrame, complete: list[Reading]
    ) -> None:
        alone = realised.filter(pl.col("exchange") == "okx")
        fitted = sums_of.cumulative(known.read(published, alone, [NOON_MS], ["fitted"]))
        prior, full = (sums_of.cumulative(of(complete, name, at_ms=NOON_MS)) for name in ("prior", "fitted"))
        borrowing = pl.col("exchange") == "bybit"
        for other in (prior, full):
            assert not fitted.filter(borrowing)["usd"].equals(other.filter(borrowing)["usd"])

    def test_hours_that_an_exchange_did_not_publish_are_carried(
        self, published: pl.DataFrame, realised: pl.DataFrame
    ) -> None:
        """One exchange lacks hours in the middle and the last one before the instant; its positions are carried."""
        hour = pl.col("open_ms") // HOUR_MS
        silent = (pl.col("exchange") == "okx") & hour.is_in([NOON_MS // HOUR_MS - n for n in (1, 2, 20)])
        readings = list(known.read(published.filter(~silent), realised, [NOON_MS], ["fitted", "ladder"]))
        assert {r.exchange for r in readings} == set(EXCHANGES)
        assert all(np.isfinite(r.usd).all() and r.usd.sum() > 0 for r in readings)

    def test_levels_and_sums_agree(self, complete: list[Reading]) -> None:
        chosen = of(complete, "fitted", at_ms=MIDNIGHT_MS)
        levels, sums = sums_of.levels(chosen), sums_of.cumulative(chosen)
        marks = pl.DataFrame({"exchange": r.exchange, "mark": r.mark} for r in chosen).unique()
        away = ((pl.col("low") * pl.col("high")).sqrt() / pl.col("mark") - 1.0).abs()
        keys = ["exchange", "window", "side"]
        added = levels.join(marks, on="exchange").filter(away <= DISTANCES[2]).group_by(keys).agg(pl.col("usd").sum())
        cumulative = sums.filter(pl.col("distance") == DISTANCES[2]).select(*keys, "usd")
        assert_frame_equal(added, cumulative, check_row_order=False)
        assert (levels["usd"] >= 1.0).all()
        assert ((levels["high"] / levels["low"] - 1.001).abs() < 1e-9).all()
        long = pl.col("side") == "long"
        assert levels.join(marks, on="exchange").select((long == (pl.col("low") < pl.col("mark"))).all()).item()
        assert sums.select((pl.col("p10") <= pl.col("p50")).all() & (pl.col("p50") <= pl.col("p90")).all()).item()

    def test_a_window_that_the_truth_lacks_is_not_scored(self, folder: Path, complete: list[Reading]) -> None:
        sums = sums_of.cumulative(of(complete, "fitted")).with_columns(pl.lit(1, pl.Int8).alias("market"))
        truth = pl.read_parquet(folder / "true_map.parquet")
        whole, only_all = (sums_of.factors(sums, t) for t in (truth, truth.filter(pl.col("window") == "all")))
        assert_frame_equal(only_all, whole.filter(pl.col("window") == "all"))
        assert set(whole["window"]) == {"all", "1d"}

    def test_steps_are_counted(self, published: pl.DataFrame, realised: pl.DataFrame) -> None:
        steps: list[int] = []
        at = [NOON_MS - 80 * HOUR_MS]
        list(known.read(published, realised, at, ["open_interest"], lambda: steps.append(1)))
        assert len(steps) == known.count_hours(published, at) == 28

    def test_no_times_give_no_readings(self, published: pl.DataFrame, realised: pl.DataFrame) -> None:
        assert list(known.read(published, realised, [])) == []
        assert sums_of.levels([]).is_empty()
        assert sums_of.cumulative([]).is_empty()


class TestHours:
    def bars(self, **changed: object) -> pl.DataFrame:
        own = {
            "market": 1, "exchange": "okx", "open_ms": [BAR_MS * n for n in (11, 12, 13)], "open": 10.0, "high": 12.0,
            "low": 9.0, "close": 11.0, "open_interest_base": [100.0, None, 120.0], "taker_buy_base": [4.0, 6.0, None],
            "taker_sell_base": [2.0, 2.0, 2.0], "long_accounts": [100.0, 125.0, None], "short_accounts": [10, 10, 5],
        }  # fmt: skip
        return pl.DataFrame(own | changed)

    def test_hour_inputs_of_bars(self) -> None:
        hours = known.hour_inputs(self.bars())["okx"]
        assert sorted(hours) == [1, 2]
        assert (hours[1].fresh, hours[2].fresh) == (True, False)  # the last bar ends before its hour
        (first,), (second, third) = hours[1].bars[+1], hours[2].bars[+1]
        assert (first.hours, first.open, first.high, first.low, first.close) == (1 / 12, 10.0, 12.0, 9.0, 11.0)
        assert (first.taker_base, second.taker_base) == (3.0, 4.0)
        assert math.isnan(third.taker_base)
        assert (first.open_interest, third.open_interest) == (100.0, 120.0)
        assert math.isnan(second.open_interest)
        # growth is unknown for the first bar and for missing counts, as if accounts were not published
        assert [b.account_growth for b in (first, second, third)] == pytest.approx([UNKNOWN, 0.2, UNKNOWN], nan_ok=True)
        shorts = [b.account_growth for hour in hours.values() for b in hour.bars[-1]]
        assert shorts == pytest.approx([UNKNOWN, 0.0, -1.0], nan_ok=True)

    def test_simulated_exchanges_use_binance_tiers(self) -> None:
        contract = known.contract_of("okx")
        assert (contract.exchange, contract.kind) == ("binance", "linear")
        assert contract.tiers.cap[:3] == (300e3, 800e3, 3e6)
        assert contract.tiers.deduction[:3] == (0.0, 300.0, 1_500.0)

    def test_hyperliquid_uses_its_own_tiers(self) -> None:
        """Maintenance is half of the initial margin at the highest leverage (vector: venues' documentation)."""
        contract = known.contract_of("hyperliquid")
        price = [
            liquidation_price("hyperliquid", "linear", np.array([1e5]), np.ones(1), np.array([10.0]), contract.tiers, s)
            for s in (+1, -1)
        ]
        assert np.concatenate(price) == pytest.approx([91_139.2405, 108_641.9753], abs=1e-4)

    @pytest.mark.parametrize("minutes", [5, 15, 60])
    def test_bars_may_have_any_length_that_divides_an_hour(self, minutes: int) -> None:
        times = [minutes * 60_000 * n for n in range(3 * 60 // minutes)]
        bars = pl.DataFrame({**self.bars().row(0, named=True), "open_ms": times})
        hours = known.hour_inputs(bars)["okx"]
        assert sorted(hours) == [1, 2, 3]
        assert all(hour.fresh for hour in hours.values())
        assert {b.hours for hour in hours.values() for b in hour.bars[+1]} == {minutes / 60}

    def test_the_growth_of_a_side_without_accounts_is_unknown(self) -> None:
        hours = known.hour_inputs(self.bars(long_accounts=[10.0, 0.0, 0.0]))["okx"]
        assert all(math.isnan(b.account_growth) for hour in hours.values() for b in hour.bars[+1])


class TestFeeds:
    HOURS = np.arange(101, 141)
    SWEPT = np.ones((40, CLASSES, HOLDINGS))

    def test_feed_sums_by_hour_and_side(self) -> None:
        feed = Feed(
            events(
                ("okx", 100 * HOUR_MS - 1, "short", 7.0, 1.0),
                ("okx", 110 * HOUR_MS, "long", 10.0, 2.0),
                ("okx", 111 * HOUR_MS - 1, "long", 10.0, 4.0),
                ("okx", 111 * HOUR_MS, "long", 10.0, 9.0),
                ("okx", 140 * HOUR_MS - 1, "short", 7.0, 1.0),
                ("okx", 150 * HOUR_MS, "long", 1e9, 9.0),
            )
        )
        observed = feed.observe(+1, self.HOURS, self.SWEPT)
        assert observed is not None
        assert observed.realised.tolist() == [0.0] * 10 + [60.0, 90.0] + [0.0] * 28
        assert observed.size_usd == pytest.approx((20**2 + 40**2 + 90**2) / 150)
        assert len(observed.swept) == 40

    def test_a_side_without_events_is_observed_as_zero(self) -> None:
        feed = Feed(events(("okx", 0, "short", 7.0, 1.0), ("okx", 139 * HOUR_MS, "short", 7.0, 1.0)))
        observed = feed.observe(+1, self.HOURS, self.SWEPT)
        assert observed is not None
        assert len(observed.realised) == 40
        assert not observed.realised.any()
        assert observed.size_usd == TYPICAL_SIZE_USD

    def test_hours_before_the_first_event_and_after_the_last_are_left_out(self) -> None:
        begun, ended = ("okx", 104 * HOUR_MS, "short", 7.0, 1.0), ("okx", 134 * HOUR_MS, "short", 7.0, 1.0)
        observed = Feed(events(begun, ended)).observe(+1, self.HOURS, self.SWEPT)
        assert observed is not None
        assert len(observed.realised) == len(observed.swept) == 30
        later = ("okx", 150 * HOUR_MS, "short", 7.0, 1.0)  # not published yet
        assert Feed(events(begun, later)).observe(+1, self.HOURS, self.SWEPT) is None
        assert Feed(events(ended)).observe(-1, self.HOURS, self.SWEPT) is None
        assert Feed(events()).observe(-1, self.HOURS, self.SWEPT) is None

    def test_a_feed_of_at_most_one_event_a_second_is_not_used(self) -> None:
        single = [("okx", 100 * HOUR_MS + second * 600_000, "long", 10.0, 2.0) for second in range(239)]
        assert Feed(events(*single)).observe(+1, self.HOURS, self.SWEPT) is None
        both = [(exchange, at + 10, "short", price, base) for exchange, at, _, price, base in single]
        assert Feed(events(*single, *both)).observe(+1, self.HOURS, self.SWEPT) is None  # one per second and side
        once_twice = ("okx", single[150][1] + 500, "long", 10.0, 2.0)
        # two events may share a second by chance
        assert Feed(events(*single, once_twice)).observe(+1, self.HOURS, self.SWEPT) is None
        cascades = [(exchange, at + 10, side, price, base) for exchange, at, side, price, base in single[::4]]
        assert Feed(events(*single, *cascades)).observe(+1, self.HOURS, self.SWEPT) is not None
        few = self.HOURS[:30]  # too few to detect it
        assert Feed(events(*single)).observe(+1, few, self.SWEPT[:30]) is not None


class TestScore:
    MARK = 100.0

    def truth(self, *rows: tuple[str, float, float, float]) -> pl.DataFrame:
        """Return the true map from rows of (side, low, high, usd)."""
        frame = pl.DataFrame(rows, schema=["side", "low", "high", "usd"], orient="row")
        of = {"market": 1, "exchange": "okx", "at_ms": 5, "window": "all", "mark_price": self.MARK}
        return frame.with_columns(pl.lit(value).alias(name) for name, value in of.items()).with_columns(
            pl.col("market", "at_ms").cast(pl.Int64)
        )

    def sums(self, **usd: float) -> pl.DataFrame:
        of = {"market": 1, "exchange": "okx", "at_ms": 5, "window": "all", "estimator": "prior"}
        rows = [of | {"side": side, "distance": d, "usd": each} for side, each in usd.items() for d in DISTANCES]
        return pl.DataFrame(rows)

    def test_bucket_counts_by_its_middle(self) -> None:
        sums = sums_of.true_sums(self.truth(("long", 98.8, 99.1, 5e5), ("long", 98.9, 99.2, 3e5)))
        by = dict(sums.select("distance", "truth").sort("distance").rows())
        assert by == {0.01: 3e5, 0.02: 8e5, 0.03: 8e5, 0.05: 8e5, 0.10: 8e5}

    def test_factor_is_symmetric_and_floored(self) -> None:
        truth = self.truth(("long", 99.4, 99.6, 8e5))
        scored = sums_of.factors(self.sums(long=2e5, short=3e5), truth)
        by_side = scored.group_by("side").agg(pl.col("factor").median()).sort("side")["factor"].to_list()
        assert by_side == pytest.approx([4.0, 3.0])  # there are no shorts, which counts as the floor
        assert sums_of.factors(self.sums(long=6.4e6), truth)["factor"].to_list() == pytest.approx([8.0] * 5)

    def test_times_without_truth_are_excluded(self) -> None:
        later = self.sums(long=1e6).with_columns(at_ms=pl.lit(6, pl.Int64))
        truth = self.truth(("long", 99.4, 99.6, 8e5))
        assert sums_of.factors(later, truth).is_empty()

    def test_medians_by_market_window_and_group(self) -> None:
        truth = self.truth(("long", 99.4, 99.6, 8e5))
        more = pl.concat([truth, truth.with_columns(market=pl.lit(2, pl.Int64))])
        own = self.sums(long=4e5, short=1e5)
        sums = pl.concat([own, own.with_columns(market=pl.lit(2, pl.Int64), usd=pl.col("usd") * 4)])
        table = sums_of.medians(sums_of.factors(sums, more))
        assert table.columns == ["market", "window", "of", "sums", "prior"]
        rows = {(row["market"], row["of"]): row["prior"] for row in table.rows(named=True)}
        assert rows["1", "long"] == pytest.approx(2.0)
        assert rows["2", "long"] == pytest.approx(2.0)
        assert rows["2", "short"] == pytest.approx(4.0)
        assert rows["1", "within 10 %"] == pytest.approx(1.5)
        assert rows["all", "okx"] == pytest.approx(2.0)
        assert list(dict.fromkeys(table["of"]))[:6] == [
            "all sums", *(f"within {d} %" for d in (1, 2, 3, 5, 10)),
        ]  # fmt: skip


def test_every_estimator_is_read(complete: list[Reading]) -> None:
    assert {reading.estimator for reading in complete} == set(ESTIMATORS)
