"""An hour of the map: its attributes from the ledger, and its profile, independent of row order."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from expectations.tables import table
from transforms.hourly.map_hour import Profile, hourly_attributes

HOUR = datetime(2026, 1, 11, 22)
LATER = HOUR + timedelta(hours=1)
USDT, USDC = ("binance", "BTCUSDT"), ("binance", "BTCUSDC")
SWAP = ("okx", "BTC-USDT-SWAP")


def books(*contracts: tuple[tuple[str, str], dict[str, Any]]) -> pl.DataFrame:
    """Return a ledger row per contract, with the columns that `hourly_attributes` reads."""
    every = {"hour_utc": HOUR, "is_stale": False, "parameters_version": "prior-3", "source": "simulated"}
    rows = [
        every | {"mark_price": 100.0, "exchange": name[0], "instrument": name[1]} | about for name, about in contracts
    ]
    schema = table("position_ledger").schema
    return pl.DataFrame(rows, schema={column: schema[column] for column in rows[0]}, orient="row")


def levels(*rows: tuple[datetime, str, int, float]) -> pl.DataFrame:
    """Return rows of the map: hour, exchange, bucket and USD."""
    schema = table("liquidation_levels").schema
    columns = ("hour_utc", "exchange", "price_bucket", "notional_usd")
    return pl.DataFrame(rows, schema={column: schema[column] for column in columns}, orient="row")


def test_mark_is_the_mean_over_exchanges_of_their_first_contract() -> None:
    both = books((USDC, {"mark_price": 101.0}), (USDT, {"mark_price": 500.0}), (SWAP, {"mark_price": 103.0}))
    assert hourly_attributes(both)[HOUR]["mark_price"] == 102.0


def test_hour_is_stale_if_any_contract_is() -> None:
    for stale in (USDC, USDT, SWAP):
        made = books(*((name, {"is_stale": name == stale}) for name in (USDC, USDT, SWAP)))
        assert hourly_attributes(made)[HOUR]["is_stale"] is True
    assert hourly_attributes(books((USDT, {}), (SWAP, {})))[HOUR]["is_stale"] is False


def test_version_and_source_come_from_the_first_exchange() -> None:
    made = books((SWAP, {"source": "imported:desk"}), (USDT, {"parameters_version": "fit-2026-01-11"}))
    about = hourly_attributes(made)[HOUR]
    assert (about["parameters_version"], about["source"]) == ("fit-2026-01-11", "simulated")


def test_hours_are_separate_and_sorted() -> None:
    made = hourly_attributes(
        books((USDT, {"hour_utc": LATER, "mark_price": 90.0}), (USDT, {}), (SWAP, {"mark_price": 102.0}))
    )
    assert list(made) == [HOUR, LATER]
    assert [about["mark_price"] for about in made.values()] == [101.0, 90.0]


def test_profile_sums_exchanges_and_skips_empty_hours() -> None:
    after_a_hole = HOUR + timedelta(hours=3)
    rows = levels(
        (after_a_hole, "okx", 4590, 7.0), (HOUR, "binance", 4592, 1.0), (HOUR, "okx", 4592, 2.0),
        (HOUR, "binance", 4590, 4.0), (HOUR, "binance", 4590, 5.0),
    )  # fmt: skip
    profile = Profile.of(rows)
    assert (profile.hours.tolist(), profile.first) == ([HOUR, after_a_hole], 4590)
    assert profile.usd.tolist() == [[9.0, 0.0, 3.0], [7.0, 0.0, 0.0]]
    assert profile.sums(rows.filter(pl.col("exchange") == "okx")).tolist() == [[0.0, 0.0, 2.0], [7.0, 0.0, 0.0]]


def test_profile_of_no_rows_is_empty() -> None:
    profile = Profile.of(levels())
    assert (len(profile.hours), profile.usd.size) == (0, 0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_row_order_does_not_matter(seed: int) -> None:
    contracts = books((USDC, {"mark_price": 0.1}), (USDT, {}), (SWAP, {"mark_price": 0.2, "is_stale": True}))
    assert hourly_attributes(contracts.sample(fraction=1.0, shuffle=True, seed=seed)) == hourly_attributes(contracts)
    rows = levels(*((HOUR + timedelta(hours=i % 3), "okx", 4590 + i % 7, float(i)) for i in range(50)))
    shuffled = Profile.of(rows.sample(fraction=1.0, shuffle=True, seed=seed))
    assert shuffled.usd.tolist() == Profile.of(rows).usd.tolist()
