"""The stored state is all that one hour passes to the next; storing, restoring and continuing loses no bit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.tables import table
from tests.transforms.stated_parameters import stated_parameters
from transforms.estimation.state import restore, store
from transforms.exchanges.parsing.documented_tiers import documented
from transforms.model.population import CLASSES, HOLDINGS, REACH, Cohort, Population
from transforms.tables import liquidation_levels

START = datetime.fromisoformat("2026-01-05T22:00:00")  # the hours lie on two dates
HOUR = timedelta(hours=1)
ABOUT = {"coin": "BTC", "exchange": "binance", "instrument": "BTCUSDT", "source": "simulated"}
STATE = ("state_positions", "state_cohorts")
SCALARS = ("open_interest", "standing", "turnover", "observed_h", "aged_h")
MAP = ("liquidation_levels", "position_ledger")


def frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    contract = table(name)
    given_columns = {c: contract.schema[c] for row in rows for c in row}
    return contract.conform(pl.DataFrame(rows, schema=given_columns, orient="row")) if rows else contract.empty()


@dataclass
class Market:
    """Table rows of a few hours of one contract."""

    bars: pl.DataFrame
    open_interest: pl.DataFrame
    tiers: pl.DataFrame
    hours: list[datetime]

    def build(self, hours: list[datetime], state: dict[str, pl.DataFrame] | None = None) -> dict[str, pl.DataFrame]:
        listing = {"kind": "linear", "contract_base": 1.0, "unit_multiplier": 1.0, "trading_status": "trading"}
        listing |= {c: ABOUT[c] for c in ("coin", "exchange", "instrument")} | {"valid_from_utc": START}
        return liquidation_levels.build(
            price_bars=self.bars,
            open_interest=self.open_interest,
            margin_tiers=self.tiers,
            instruments=frame("instruments", [listing]),
            model_parameters=stated_parameters(),
            **{name: (state or {}).get(name, table(name).empty()) for name in STATE},
            coin="BTC",
            hours=hours,
        )

    def known_at(self, hour: datetime) -> Market:
        """Return the market as published by `hour`."""
        ended = pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes")) <= hour
        readings = self.open_interest.filter(pl.col("time_utc") <= hour)
        first = self.tiers["valid_from_utc"].min()
        tiers = self.tiers.filter((pl.col("valid_from_utc") <= hour) | (pl.col("valid_from_utc") == first))
        open_ended = pl.when(pl.col("valid_to_utc") > hour).then(None).otherwise(pl.col("valid_to_utc"))
        return Market(
            self.bars.filter(ended), readings, tiers.with_columns(open_ended.alias("valid_to_utc")), self.hours
        )


def tiers(change: datetime) -> pl.DataFrame:
    """Return the documented tiers, with twice the maintenance rate from `change` on."""
    names = {c: ABOUT[c] for c in ("coin", "exchange", "instrument")} | {"tier_origin": "documented"}
    rows = []
    for each in documented("binance"):
        rows.append(each | names | {"valid_from_utc": START, "valid_to_utc": change})
        twice = min(2 * float(str(each["maintenance_rate"])), 1.0)
        rows.append(each | names | {"valid_from_utc": change, "maintenance_rate": twice})
    return frame("margin_tiers", rows)


@st.composite
def markets(draw: st.DrawFn) -> Market:
    """Draw half-hourly bars, some missing, and readings of open interest: on time, early, late or missing."""
    price = draw(st.sampled_from([0.02, 97.0, 100_000.0]))
    bars, readings = [], []
    hours = [START + n * HOUR for n in range(1, draw(st.integers(2, 5)) + 1)]
    common = {**ABOUT, "interval_minutes": 30, "price_kind": "mark"}
    for half in range(2 * len(hours)):
        opened, price = price, price * draw(st.floats(0.97, 1.03))
        begun = START + half * HOUR / 2
        extremes = {"low": min(opened, price) * draw(st.floats(0.99, 1.0)), "high": max(opened, price) * 1.001}
        volume = draw(st.floats(0.0, 300.0))
        split = draw(st.sampled_from([None, volume / 3, volume]))
        traded = {"volume_base": volume, "taker_buy_base": split}
        if draw(st.integers(0, 5)) > 0:
            prices = {"open": opened, "close": price, **extremes}
            bars.append(common | traded | prices | {"open_utc": begun, "date": begun.date()})
        if draw(st.integers(0, 5)) > 0:
            read_at = begun + HOUR / 2 - timedelta(minutes=draw(st.sampled_from([0, 0, 5, 15, -5])))
            amount = draw(st.floats(10.0, 1000.0))
            unit = {"origin": "history", "reported": amount, "reported_unit": "base", "open_interest_base": amount}
            readings.append(ABOUT | unit | {"time_utc": read_at, "date": read_at.date()})
    return Market(frame("price_bars", bars), frame("open_interest", readings), tiers(hours[-1]), hours)


few = settings(deadline=None, max_examples=25)


def require_hourly_equals_whole(market: Market) -> None:
    whole = market.build(market.hours)
    state: dict[str, pl.DataFrame] = {}
    parts = []
    for hour in market.hours:
        made = market.build([hour], state)
        parts.append(made)
        if not made[STATE[0]].is_empty():
            state = {name: made[name] for name in STATE}
    for name in MAP:
        contract = table(name)
        assert contract.conform(pl.concat([p[name] for p in parts])).equals(whole[name]), name
    for name in STATE:
        assert parts[-1][name].equals(whole[name]), name


@few
@given(market=markets())
def test_hourly_builds_through_tables_equal_one_build(market: Market) -> None:
    require_hourly_equals_whole(market)


def test_hours_before_the_first_open_interest_leave_no_trace() -> None:
    """The mark moves before open interest is first published; hour by hour, no state records where it was."""
    hours = [START + n * HOUR for n in (1, 2, 3, 4)]
    common = {**ABOUT, "interval_minutes": 60, "price_kind": "mark", "volume_base": 9.0, "taker_buy_base": 4.0}
    walk = zip(hours, (100.0, 103.0, 91.0, 92.0), (101.0, 98.5, 92.0, 94.0), strict=True)
    bars = [
        common | {"open_utc": hour - HOUR, "date": (hour - HOUR).date()}
        | {"open": opened, "close": close, "high": max(opened, close), "low": min(opened, close)}
        for hour, opened, close in walk
    ]  # fmt: skip
    unit = {"origin": "history", "reported": 70.1, "reported_unit": "base", "open_interest_base": 70.1}
    readings = [ABOUT | unit | {"time_utc": hour, "date": hour.date()} for hour in hours[2:]]
    require_hourly_equals_whole(
        Market(frame("price_bars", bars), frame("open_interest", readings), tiers(hours[-1]), hours)
    )


@few
@given(market=markets(), n=st.integers(0, 4))
def test_later_data_does_not_change_earlier_hours(market: Market, n: int) -> None:
    known = market.hours[: n + 1]
    then, later = market.known_at(known[-1]).build(known), market.build(market.hours)
    for name in MAP:
        assert then[name].equals(later[name].filter(pl.col("hour_utc") <= known[-1])), name


def crowd(s: int, seed: int) -> Population:
    """Return random positions: amounts of all magnitudes, also at the edges of the price axis."""
    rng = np.random.default_rng(seed)
    made = Population.empty(s, float(rng.uniform(0.001, 1e5)))
    n = int(rng.integers(0, 200))
    cells = (rng.integers(0, CLASSES, n), rng.integers(0, HOLDINGS, n), rng.integers(0, 2 * REACH + 1, n))
    shrinking = np.cumprod(rng.uniform(0.1, 1.0, (4, n)), axis=0)[[0, 3, 2, 1]]
    made.cells[(slice(None), *cells)] = 10.0 ** rng.uniform(-12, 6, n) * shrinking
    made.open_interest, made.standing, made.turnover, made.observed_h, made.aged_h = rng.uniform(0.0, 1e6, 5).tolist()
    for hour_h in (490_000, 490_001, 490_003, 490_004):
        opened = 0 if hour_h == 490_001 or rng.random() < 0.3 else 2  # hours without openings, and one without bars
        entries, coins = np.array([-40, 11518])[:opened], rng.uniform(1e-9, 9.0, opened)
        made.cohorts[hour_h] = Cohort(entries, coins, rng.integers(-100, 12_000, opened), rng.uniform(0.0, 1e4))
        began, farthest = rng.integers(-100, 12_000, 2).tolist()
        made.moves[hour_h % 720] = began, farthest
    return made


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), empty=st.booleans())
def test_state_round_trips_bit_for_bit(seed: int, empty: bool) -> None:
    crowds = {s: crowd(s, seed + 1 + s) for s in (+1, -1)}
    if empty:
        crowds[+1] = Population.empty(+1, 100.0)
    stored = store(crowds, START, ABOUT)
    # a reader of the files may see another row order
    shuffled = {name: f.sample(fraction=1.0, shuffle=True, seed=seed) for name, f in stored.items()}
    read = restore(*(shuffled[name] for name in STATE))
    for s, before in crowds.items():
        after = read[s]
        assert (after.s, after.mark, after.origin) == (before.s, before.mark, before.origin)
        assert all(getattr(after, n) == getattr(before, n) for n in SCALARS)
        assert np.array_equal(after.cells, before.cells)
        assert np.array_equal(after.moves, before.moves)
        assert list(after.cohorts) == list(before.cohorts)
        for hour_h, opened in before.cohorts.items():
            for name in ("entry", "coins", "reached"):
                one, other = getattr(after.cohorts[hour_h], name), getattr(opened, name)
                assert one.dtype == other.dtype
                assert np.array_equal(one, other), name
            assert after.cohorts[hour_h].aged_h == opened.aged_h
    again = store(read, START, ABOUT)
    assert all(again[name].equals(stored[name]) for name in STATE)


def test_an_hour_that_opened_nothing_keeps_its_move_in_a_row_without_activity() -> None:
    crowd = Population.empty(-1, 100.0)
    nothing = np.zeros(0, np.int64)
    crowd.cohorts[490_000], crowd.moves[490_000 % 720] = Cohort(nothing, np.zeros(0), nothing, 7.5), (4605, 4609)
    rows = store({-1: crowd}, START, ABOUT)["state_cohorts"]
    buckets = ("entry_bucket", "reached_bucket", "hour_began_bucket", "hour_reached_bucket")
    assert rows.select("side", "activity_base", "aged_hours", *buckets).rows() == [
        ("short", 0.0, 7.5, 4605, 4605, 4605, 4609)
    ]


def test_no_state_restores_no_positions() -> None:
    assert restore(*(table(name).empty() for name in STATE)) == {}
