"""Liquidation prices against the exchanges' documented vectors, by exchange and kind, to 1e-4."""

import numpy as np
import pytest

from transforms.model.liquidation_price import Tiers, liquidation_price

LONG, SHORT = +1, -1
BINANCE_2024_10 = Tiers(
    cap=(50e3, 600e3, 3e6, 12e6, 70e6, 100e6),
    maintenance_rate=(0.004, 0.005, 0.0065, 0.01, 0.02, 0.025),
    deduction=(0, 50, 950, 11_450, 131_450, 481_450),
    max_leverage_x=(125, 100, 75, 50, 20, 10),
)


def flat(rate: float, bound_unit: str = "usd") -> Tiers:
    return Tiers((1e12,), (rate,), (0.0,), (150.0,), bound_unit)


def price(exchange, kind, entry, size, leverage, tiers, s):
    return float(
        liquidation_price(exchange, kind, *(np.array([float(v)]) for v in (entry, size, leverage)), tiers, s)[0]
    )


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
def test_binance_linear_matches_documented_vectors(base, leverage, long, short):
    assert price("binance", "linear", 100_000, base, leverage, BINANCE_2024_10, LONG) == pytest.approx(long, abs=1e-4)
    assert price("binance", "linear", 100_000, base, leverage, BINANCE_2024_10, SHORT) == pytest.approx(short, abs=1e-4)


@pytest.mark.parametrize(
    ("exchange", "kind", "entry", "size", "leverage", "rate", "s", "expected"),
    [
        ("binance", "inverse", 100_000, 1_000_000, 10, 0.004, LONG, 91_272.7273),
        ("binance", "inverse", 100_000, 1_000_000, 10, 0.004, SHORT, 110_666.6667),
        ("okx", "inverse", 100_000, 1_000_000, 10, 0.004, LONG, 91_272.7273),
        ("bybit", "linear", 20_000, 1, 50, 0.005, LONG, 19_700.0),
        ("bybit", "inverse", 50_000, 60_000, 10, 0.005, LONG, 45_662.1005),
        ("bybit", "inverse", 50_000, 60_000, 10, 0.005, SHORT, 55_248.6188),
        ("okx", "linear", 100_000, 10, 10, 0.004, LONG, 90_406.8307),
        ("okx", "linear", 100_000, 10, 10, 0.004, SHORT, 109_507.2175),
    ],
)
def test_other_exchanges_and_kinds_match_documented_vectors(exchange, kind, entry, size, leverage, rate, s, expected):
    tiers = flat(rate, "base" if kind == "inverse" else "usd")
    assert price(exchange, kind, entry, size, leverage, tiers, s) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("exchange", "kind", "rate", "expected"),
    [
        ("binance", "linear", 0.004, 90_361),
        ("bybit", "linear", 0.0033, 90_330),
        ("okx", "linear", 0.004, 90_407),
        ("binance", "inverse", 0.004, 91_273),
    ],
)
def test_one_coin_at_10x_in_the_lowest_tier(exchange, kind, rate, expected):
    size = 100_000 if kind == "inverse" else 1
    assert round(price(exchange, kind, 100_000, size, 10, flat(rate), LONG)) == expected


def test_okx_bounds_are_contracts():
    tiers = Tiers((1000, 5000), (0.004, 0.005), (0, 0), (100, 66), "contracts", contract_base=0.01)
    small = price("okx", "linear", 100_000, 9.9, 10, tiers, LONG)
    large = price("okx", "linear", 100_000, 10.1, 10, tiers, LONG)
    assert small == pytest.approx(90_000 / (1 - 0.0045), abs=1e-4)
    assert large == pytest.approx(90_000 / (1 - 0.0055), abs=1e-4)


def test_unleveraged_inverse_short_is_never_liquidated():
    assert price("bybit", "inverse", 50_000, 60_000, 1.0, flat(0.0), SHORT) == np.inf


def test_unknown_exchange_is_named():
    with pytest.raises(ValueError, match="linear contracts on nowhere"):
        price("nowhere", "linear", 1, 1, 1, flat(0.1), LONG)
