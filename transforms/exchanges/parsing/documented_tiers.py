"""Margin tiers from the exchanges' documentation, for exchanges that serve none without a key; marked `documented`.

Binance: BTCUSDT as of 2026-05-01. Bybit: BTCUSDT as of 2026-02-26, first tiers. OKX: BTC-USDT as of 2026-09-18,
first tiers. Hyperliquid: BTC as of 2026-05; maintenance is half of the initial margin at the highest leverage.
Other coins have narrower tiers; the model's typical positions fall into the first ones.
"""

from __future__ import annotations

from itertools import pairwise

# (cap, maintenance rate, deduction, highest leverage)
_Ladder = tuple[tuple[float, float, float, float], ...]

_BINANCE: _Ladder = (
    (300e3, 0.004, 0, 150),
    (800e3, 0.005, 300, 100),
    (3e6, 0.0065, 1_500, 75),
    (12e6, 0.01, 12_000, 50),
    (70e6, 0.02, 132_000, 25),
    (100e6, 0.025, 482_000, 20),
    (230e6, 0.05, 2_982_000, 10),
    (480e6, 0.10, 14_482_000, 5),
    (600e6, 0.125, 26_482_000, 4),
    (800e6, 0.15, 41_482_000, 3),
    (1.2e9, 0.25, 121_482_000, 2),
    (1.8e9, 0.50, 421_482_000, 1),
)
_BYBIT: _Ladder = (
    (2e6, 0.005, 0, 100),
    (2.6e6, 0.0056, 1_200, 90),
    (3.2e6, 0.0063, 3_020, 80),
    (3.8e6, 0.0067, 4_300, 75),
    (4.4e6, 0.0071, 5_820, 70),
    (5e6, 0.0077, 8_460, 65),
)
_OKX_COINS: _Ladder = (
    (10, 0.004, 0, 100),
    (50, 0.005, 0, 66.66),
    (200, 0.0075, 0, 50),
    (400, 0.0125, 0, 40),
    (600, 0.0175, 0, 33.33),
    (800, 0.0225, 0, 28.57),
    (1000, 0.0275, 0, 25),
)
_HYPERLIQUID: _Ladder = ((150e6, 0.0125, 0, 40), (10e9, 0.025, 1_875_000, 20))
_DOCUMENTED: dict[str, tuple[str, _Ladder]] = {
    "binance": ("usd", _BINANCE),
    "bybit": ("usd", _BYBIT),
    "okx": ("base", _OKX_COINS),
    "hyperliquid": ("usd", _HYPERLIQUID),
}


def documented(exchange: str) -> list[dict[str, object]]:
    """Return the documented tiers of an exchange, as rows of the series `margin_tiers` without an instrument."""
    unit, ladder = _DOCUMENTED[exchange]
    floors = (0.0, *(cap for cap, *_ in ladder))
    return [
        {
            "tier": number,
            "bound_unit": unit,
            "tier_floor": float(floor),
            "tier_cap": float(cap),
            "maintenance_rate": rate,
            "deduction": float(deduction),
            "max_leverage_x": float(leverage),
        }
        for number, ((floor, cap), (_, rate, deduction, leverage)) in enumerate(
            zip(pairwise(floors), ladder, strict=True), start=1
        )
    ]
