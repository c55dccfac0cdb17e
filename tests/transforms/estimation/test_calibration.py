"""Hours that a fit uses, and its observations of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from expectations.tables import table
from transforms.estimation import calibration
from transforms.estimation.calibration import Exposure, count_hours, learn, load_exposure, load_flows, observe
from transforms.model.fitting.fit import TYPICAL_SIZE_USD, Observed

MIDNIGHT = datetime(2026, 1, 12)
FIRST = datetime(2026, 1, 11, 1)
HOUR = timedelta(hours=1)
LONG, SHORT = ("okx", +1), ("okx", -1)
UNKNOWN = float("nan")


def frame(name: str, rows: list[dict[str, Any]], **every: Any) -> pl.DataFrame:
    """Return rows of a table; columns that a test does not give are null or have a default."""
    attributes = {"exchange": "okx", "instrument": "BTC-USDT-SWAP", "coin": "BTC", "source": "simulated", **every}
    schema = table(name).schema
    whole = [{c: v for c, v in (attributes | row).items() if c in schema} for row in rows]
    return pl.DataFrame(whole, schema=schema, orient="row")


def ledger(stale: tuple[int, ...] = (), count: int = 5) -> pl.DataFrame:
    hours = [{"hour_utc": FIRST + i * HOUR, "is_stale": i in stale} for i in range(count)]
    return frame("position_ledger", [hour | {"side": side} for hour in hours for side in ("long", "short")])


def coverage(*read: int, completeness: str = "recent", **every: Any) -> pl.DataFrame:
    rows = [{"hour_utc": FIRST + i * HOUR, "completeness": completeness} for i in read]
    return frame("realised_coverage", rows, **every)


def events(*rows: tuple[float, str, float]) -> pl.DataFrame:
    """Return liquidations from (hours after the end of the first hour, side, USD)."""
    liquidations = [
        {"time_utc": FIRST + at * HOUR, "seq": i, "side": side, "notional_usd": usd}
        for i, (at, side, usd) in enumerate(rows)
    ]
    return frame("realised_liquidations", liquidations)


def swept(*rows: tuple[int, str, int, int, float]) -> pl.DataFrame:
    names = ("hour_utc", "side", "position_class", "holding_class", "exposure_usd")
    return frame(
        "calibration_exposure", [dict(zip(names, (FIRST + each[0] * HOUR, *each[1:]), strict=True)) for each in rows]
    )


def test_covered_hours_without_events_are_zero_and_others_are_left_out() -> None:
    exposure = load_exposure(swept(), ledger(), events((0.5, "long", 9e5), (1.5, "long", 7e5)), coverage(0, 1, 3))
    assert exposure.keys() == {LONG, SHORT}
    assert exposure[LONG].hour.tolist() == [FIRST, FIRST + HOUR, FIRST + 3 * HOUR]
    assert exposure[LONG].realised.tolist() == [0.0, 9e5, 0.0]  # an event in an hour without coverage is ignored
    assert exposure[SHORT].realised.tolist() == [0.0, 0.0, 0.0]


def test_an_event_on_the_hour_belongs_to_the_hour_that_ends_then() -> None:
    late = 1 / 3.6e6
    exposure = load_exposure(swept(), ledger(), events((1, "short", 1e5), (1 + late, "short", 2e5)), coverage(1, 2))
    assert exposure[SHORT].realised.tolist() == [1e5, 2e5]


def test_exposure_is_placed_by_hour_and_class() -> None:
    exposure = load_exposure(swept((0, "long", 1, 0, 3.0), (2, "long", 7, 3, 5.0)), ledger(), events(), coverage(0, 2))
    assert exposure[LONG].swept.shape == (2, 7, 4)
    assert (exposure[LONG].swept[0, 0, 0], exposure[LONG].swept[1, 6, 3], exposure[LONG].swept.sum()) == (3.0, 5.0, 8.0)
    assert exposure[SHORT].swept.sum() == 0.0


def test_stale_hours_and_the_hours_after_them_are_left_out() -> None:
    exposure = load_exposure(swept(), ledger(stale=(1,)), events(), coverage(0, 1, 2, 3))
    assert exposure[LONG].hour.tolist() == [FIRST, FIRST + 3 * HOUR]


def test_hours_without_a_map_or_coverage_are_left_out() -> None:
    assert load_exposure(swept(), ledger(count=0), events((0.5, "long", 9e5)), coverage(0, 1)) == {}
    assert load_exposure(swept(), ledger(), events(), coverage()) == {}


def test_the_size_of_liquidations_is_weighted_by_amount() -> None:
    liquidations = events((0.2, "long", 1e5), (0.4, "long", 3e5))
    of = observe([load_exposure(swept(), ledger(), liquidations, coverage(0, 1))], MIDNIGHT)
    assert of[LONG].size_usd == pytest.approx(1e11 / 4e5)
    assert of[SHORT].size_usd == TYPICAL_SIZE_USD
    assert of[LONG].complete


def test_sampled_feed_is_not_complete() -> None:
    of = observe([load_exposure(swept(), ledger(), events(), coverage(0, 1, completeness="sampled"))], MIDNIGHT)
    assert not of[LONG].complete


def test_flows_are_shares_of_opening_open_interest() -> None:
    """Both sides' liquidations count; sampled and stale hours do not, nor the day that the fit applies to."""
    hours = [
        {"hour_utc": FIRST + i * HOUR, "is_stale": i == 3, "opening_base": 100.0, "closing_base": 90.0 + i}
        | {"traded_base": 5.0 if i else None, "lowest_mark_price": 90.0, "highest_mark_price": 99.0}
        for i in range(24)
    ]
    books = frame("position_ledger", [hour | {"side": side} for hour in hours for side in ("long", "short")])
    liquidations = events((0.5, "long", 1.0), (0.6, "short", 1.0)).with_columns(size_base=pl.lit(2.0))
    read = pl.concat([coverage(0, 1, 3, 4, 23), coverage(2, completeness="sampled")])
    (okx,) = load_flows(books, liquidations, read, MIDNIGHT)
    assert okx.change.tolist() == pytest.approx([-0.10, -0.09])
    assert okx.liquidated.tolist() == [0.0, 0.04]
    assert okx.traded.tolist() == pytest.approx([UNKNOWN, 0.05], nan_ok=True)
    assert okx.moved.tolist() == pytest.approx([np.log(1.1)] * 2)
    assert load_flows(books, liquidations, coverage(), MIDNIGHT) == []


def hourly(count: int, last: datetime) -> Exposure:
    hour = np.array([last - i * HOUR for i in reversed(range(count))], dtype="datetime64[ms]")
    usd = np.arange(count, dtype=float)
    return Exposure(hour, np.zeros((count, 7, 4)), usd, usd**2, np.zeros(count, bool))


def test_only_the_45_days_before_count() -> None:
    coin = {LONG: hourly(60 * 24, MIDNIGHT + 24 * HOUR)}
    of = observe([coin], MIDNIGHT)[LONG]
    assert len(of.realised) == 45 * 24 - 1
    early = {LONG: coin[LONG].within(datetime(2000, 1, 1), MIDNIGHT)}
    assert observe([early], MIDNIGHT)[LONG].realised.tolist() == of.realised.tolist()
    assert observe([coin], datetime(2020, 1, 1)) == {}


def test_coins_are_stacked() -> None:
    one, other = (
        {LONG: hourly(3, MIDNIGHT - HOUR)},
        {LONG: hourly(2, MIDNIGHT - HOUR), SHORT: hourly(2, MIDNIGHT - HOUR)},
    )
    of = observe([one, other], MIDNIGHT)
    assert of[LONG].realised.tolist() == [0.0, 1.0, 2.0, 0.0, 1.0]
    assert count_hours(of) == 5


def test_too_few_hours_give_no_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {LONG: Observed(np.ones((4, 7, 4)), np.ones(4))}
    assert learn("fit-2026-01-12", ("binance", "okx"), known) == {}
    monkeypatch.setattr(calibration, "LEAST_HOURS", 4)
    found = learn("fit-2026-01-12", ("binance", "okx"), known)
    assert set(found) == {(exchange, s) for exchange in ("binance", "okx") for s in (1, -1)}
    assert found[LONG].hours == 4
    assert found["binance", 1].hours == 0
