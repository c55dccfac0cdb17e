"""What an hour of the map says of all its rows: the same in whatever order, and however often, it is said."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from expectations.tables import table
from transforms.hour_of_map import abouts
from transforms.tables.liquidation_clusters import build

HOUR = datetime(2026, 1, 11, 22)
LATER = HOUR + timedelta(hours=1)
USDT, USDC = ("binance", "BTCUSDT"), ("binance", "BTCUSDC")
SWAP = ("okx", "BTC-USDT-SWAP")


def levels(*contracts: tuple[tuple[str, str], dict[str, Any]]) -> pl.DataFrame:
    """Three buckets in two classes of each contract, in the order of the file."""
    contract = table("liquidation_levels")
    every = {"coin": "BTC", "date": HOUR.date(), "hour_utc": HOUR, "is_stale": False, "parameters_version": "prior-3"}
    every |= {"source": "simulated", "side": "long", "mark_price": 100.0, "unseen_log_sd": 0.0}
    usd = {"notional_usd": 5.0, "notional_1d_usd": 1.0, "notional_7d_usd": 2.0, "notional_30d_usd": 3.0}
    rows = [
        every | usd | {"exchange": name[0], "instrument": name[1], "leverage_class": leverage} | about
        | {"price_bucket": bucket, "price_low": 1.001**bucket, "price_high": 1.001 ** (bucket + 1)}
        for name, about in contracts for bucket in (4590, 4591, 4592) for leverage in ("10x", "25x")
    ]  # fmt: skip
    return contract.conform(pl.DataFrame(rows, schema={c: contract.schema[c] for c in rows[0]}, orient="row"))


def test_the_mark_is_the_mean_of_the_venues_each_with_its_first_contract() -> None:
    both = levels((USDC, {"mark_price": 101.0}), (USDT, {"mark_price": 500.0}), (SWAP, {"mark_price": 103.0}))
    assert abouts(both)[HOUR]["mark_price"] == 102.0


def test_an_hour_is_stale_with_any_contract() -> None:
    for stale in (USDC, USDT, SWAP):
        made = levels(*((name, {"is_stale": name == stale}) for name in (USDC, USDT, SWAP)))
        assert abouts(made)[HOUR]["is_stale"] is True
    assert abouts(levels((USDT, {}), (SWAP, {})))[HOUR]["is_stale"] is False


def test_version_and_source_are_of_the_first_venue() -> None:
    made = levels((USDT, {"parameters_version": "fit-2026-01-11"}), (SWAP, {"source": "imported:desk"}))
    about = abouts(made)[HOUR]
    assert (about["parameters_version"], about["source"]) == ("fit-2026-01-11", "simulated")


def test_each_hour_speaks_for_itself_and_they_come_in_order() -> None:
    made = abouts(levels((USDT, {"hour_utc": LATER, "mark_price": 90.0}), (USDT, {}), (SWAP, {"mark_price": 102.0})))
    assert list(made) == [HOUR, LATER]
    assert [about["mark_price"] for about in made.values()] == [101.0, 90.0]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_order_of_rows_and_how_many_there_are_leave_no_trace(seed: int) -> None:
    made = levels((USDC, {"mark_price": 0.1}), (USDT, {}), (SWAP, {"mark_price": 0.2, "is_stale": True}))
    assert made["leverage_class"].n_unique() == 2
    shuffled = made.sample(fraction=1.0, shuffle=True, seed=seed)
    assert abouts(shuffled) == abouts(made) == abouts(made.filter(pl.col("leverage_class") == "10x"))
    assert build(shuffled, coin="BTC", day=HOUR.date()).equals(build(made, coin="BTC", day=HOUR.date()))
