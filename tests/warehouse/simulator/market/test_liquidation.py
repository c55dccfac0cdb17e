"""The simulator's liquidation formulas against the documented examples."""

import numpy as np
import pytest

from warehouse.simulator.market.liquidation import Ladder, bankruptcy_prices, liquidation_prices
from warehouse.simulator.market.listing import Exchange
from warehouse.simulator.market.tiers import Tier, bybit_tiers, okx_tiers

OCTOBER_2024 = tuple(
    Tier(floor, cap, rate, deduction, leverage)
    for floor, cap, rate, deduction, leverage in (
        (0, 50e3, 0.004, 0, 125),
        (50e3, 600e3, 0.005, 50, 100),
        (600e3, 3e6, 0.0065, 950, 75),
        (3e6, 12e6, 0.01, 11_450, 50),
        (12e6, 70e6, 0.02, 131_450, 25),
        (70e6, 100e6, 0.025, 481_450, 20),
    )
)


def price(exchange: Exchange, tiers: tuple[Tier, ...], entry: float, base: float, leverage: float, side: int) -> float:
    columns = [np.array([float(value)]) for value in (entry, base, entry * base / leverage, side)]
    return float(liquidation_prices(exchange, Ladder(tiers), *columns)[0])


@pytest.mark.parametrize(
    ("base", "leverage", "long", "short"),
    [
        (0.1, 100, 99_397.5904, 100_597.6096),
        (1, 100, 99_447.2362, 100_547.2637),
        (0.502, 50, 98_393.5743, 101_591.6434),
        (5.99, 10, 90_443.8721, 109_447.1909),
        (50, 20, 95_728.2828, 104_187.1287),
        (200, 25, 97_288.5204, 102_605.1471),
    ],
)
def test_binance_matches_documented_vectors(base: float, leverage: float, long: float, short: float) -> None:
    assert price("binance", OCTOBER_2024, 100_000, base, leverage, 1) == pytest.approx(long, abs=1e-4)
    assert price("binance", OCTOBER_2024, 100_000, base, leverage, -1) == pytest.approx(short, abs=1e-4)


def test_bybit_matches_documented_vector() -> None:
    flat = (Tier(0, 1e9, 0.005, 0, 100),)
    assert price("bybit", flat, 20_000, 1, 50, 1) == pytest.approx(19_700)


def test_okx_matches_documented_vector() -> None:
    tiers = okx_tiers("BTC", 100_000, 0.01)
    assert price("okx", tiers, 100_000, 10, 10, 1) == pytest.approx(90_406.8307, abs=1e-4)
    assert price("okx", tiers, 100_000, 10, 10, -1) == pytest.approx(109_507.2175, abs=1e-4)


def test_unleveraged_long_is_never_liquidated() -> None:
    assert np.isnan(price("binance", OCTOBER_2024, 100_000, 1, 1, 1))


def test_bankruptcy_lies_beyond_liquidation() -> None:
    one = np.array([1.0])
    assert bankruptcy_prices(100_000 * one, one, 10_000 * one, one)[0] == 90_000
    assert price("binance", OCTOBER_2024, 100_000, 1, 10, 1) > 90_000


def test_bybit_tiers_match_documentation() -> None:
    tiers = bybit_tiers("BTC")
    assert [(t.cap, t.maintenance, t.deduction, t.max_leverage) for t in tiers[:3]] == [
        (300_000, 0.0033, 0, 150),
        (2_000_000, 0.005, 510, 100),
        (2_600_000, pytest.approx(0.0056), 1710, 90),
    ]
    assert tiers[-1].deduction == pytest.approx(226_382_000 + 510)


def test_okx_tiers_match_documentation() -> None:
    tiers = okx_tiers("BTC", 100_000, 0.01)
    assert (tiers[0].cap, tiers[0].max_leverage, tiers[1].max_leverage) == (10, 100, 66.66)
    assert (tiers[-1].cap, tiers[-1].maintenance, tiers[-1].max_leverage) == (19_400, 0.4875, 2.0)
