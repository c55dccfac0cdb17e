"""Margin tiers of each exchange: the documented tables, and invented ones of the same structure for the rest."""

from dataclasses import dataclass

import numpy as np

from warehouse.simulator.market.listing import Instrument


@dataclass(frozen=True)
class Tier:
    """One tier. Bounds are notional in USDT on Binance and Bybit, and native units (coins) on OKX."""

    floor: float
    cap: float
    maintenance: float
    deduction: float
    max_leverage: float


_Row = tuple[float, float, float]  # cap, largest leverage, maintenance rate

_TOP: tuple[_Row, ...] = ((3e5, 150, 0.004), (8e5, 100, 0.005), (3e6, 75, 0.0065), (12e6, 50, 0.01))
BINANCE: dict[str, tuple[_Row, ...]] = {
    "BTC": (*_TOP, (70e6, 25, 0.02), (100e6, 20, 0.025), (230e6, 10, 0.05), (480e6, 5, 0.1), (600e6, 4, 0.125),
            (800e6, 3, 0.15), (1200e6, 2, 0.25), (1800e6, 1, 0.5)),
    "ETH": (*_TOP, (50e6, 25, 0.02), (65e6, 20, 0.025), (150e6, 10, 0.05), (320e6, 5, 0.1), (400e6, 4, 0.125),
            (530e6, 3, 0.15), (800e6, 2, 0.25), (1200e6, 1, 0.5)),
    "SOL": ((5e4, 100, 0.005), (4e5, 75, 0.0065), (1e6, 50, 0.01), (4e6, 25, 0.02), (8e6, 20, 0.025),
            (40e6, 10, 0.05), (80e6, 5, 0.1), (100e6, 4, 0.125), (200e6, 2, 0.25), (400e6, 1, 0.5)),
    "": ((25e3, 75, 0.005), (8e4, 50, 0.01), (16e4, 40, 0.015), (8e5, 25, 0.02), (16e5, 20, 0.025),
         (8e6, 10, 0.05), (16e6, 5, 0.1), (20e6, 4, 0.125), (40e6, 2, 0.25), (80e6, 1, 0.5)),
}  # fmt: skip

_BYBIT_BTC = (
    (0.3, 0.33), (2, 0.5), (2.6, 0.56), (3.2, 0.63), (3.8, 0.67), (4.4, 0.71), (5, 0.77), (5.6, 0.91), (8.5, 1.0),
    (10, 1.3), (14, 1.5), (20, 1.6), (28, 2), (38, 2.5), (50, 2.9), (55, 3), (60, 3.5), (65, 3.6), (70, 3.8), (75, 4),
    (80, 4.5), (85, 5), (90, 5.5), (95, 6), (100, 6.5), (105, 7), (110, 8.5), (115, 9.5), (120, 10), (150, 12),
    (200, 14), (250, 18), (400, 30), (600, 42), (800, 50), (1000, 60),
)  # fmt: skip
_BYBIT_SHAPE = ((1, 0.5), (5, 1), (10, 1.5), (20, 2), (40, 2.5), (100, 5), (200, 10), (300, 16), (500, 25), (1000, 50))
BYBIT_SCALE_USD = {"ETH": 1.5e6, "SOL": 6e5}

_OKX_BTC = ((10, 1.0, 0.4), (50, 1.5, 0.5), (200, 2.0, 0.75), (400, 2.5, 1.25), (600, 3.0, 1.75), (800, 3.5, 2.25))
_OKX_BTC_ROWS = [(float(cap), imr, mmr) for cap, imr, mmr in _OKX_BTC]
_OKX_BTC_ROWS += [(1000.0 + 200 * n, 4.0 + 0.5 * n, 2.75 + 0.5 * n) for n in range(93)]
_OKX_SHAPE = ((1, 2, 1), (5, 2.5, 1.5), (10, 4, 2), (25, 5, 3), (60, 10, 5), (150, 20, 10), (400, 50, 25))
OKX_SCALE_USD = {"SOL": 1e6}


def _progressive(rows: tuple[_Row, ...]) -> tuple[Tier, ...]:
    """Build tiers with deductions that keep the maintenance margin continuous at each bound."""
    tiers: list[Tier] = []
    floor = deduction = 0.0
    for cap, leverage, rate in rows:
        if tiers:
            deduction += floor * (rate - tiers[-1].maintenance)
        tiers.append(Tier(floor, cap, rate, round(deduction, 6), leverage))
        floor = cap
    return tuple(tiers)


def _halved(percent: float) -> float:
    """Return Bybit's maximum leverage: initial margin is twice the maintenance margin; high values end in 0 or 5."""
    leverage = 50.0 / percent
    return float(5 * np.round(leverage / 5) if leverage > 45 else max(1.0, np.floor(leverage * 100) / 100))


def bybit_tiers(coin: str) -> tuple[Tier, ...]:
    """Return progressive tiers with bounds in USDT. BTC is the documented table, its open last tier capped at 1e9."""
    if coin == "BTC":
        return _progressive(tuple((cap * 1e6, _halved(rate), rate / 100) for cap, rate in _BYBIT_BTC))
    scale = BYBIT_SCALE_USD.get(coin, 5e4)
    return _progressive(tuple((cap * scale, _halved(rate), rate / 100) for cap, rate in _BYBIT_SHAPE))


def okx_tiers(coin: str, price_usd: float, contract: float) -> tuple[Tier, ...]:
    """Return tiers with bounds in coins and no deduction: a position takes one tier. BTC is the documented table."""
    if coin == "BTC":
        rows = _OKX_BTC_ROWS
    elif coin == "ETH":  # documented: the first tier ends at 500 coins, fifty times BTC's
        rows = [(50 * cap, imr, mmr) for cap, imr, mmr in _OKX_BTC_ROWS]
    else:
        unit = OKX_SCALE_USD.get(coin, 1e5) / price_usd
        rows = [(max(contract, round(cap * unit / contract) * contract), imr, mmr) for cap, imr, mmr in _OKX_SHAPE]
    floors = [0.0, *(row[0] for row in rows[:-1])]
    return tuple(
        Tier(floor, cap, mmr / 100, 0.0, float(np.floor(10_000 / imr) / 100))
        for floor, (cap, imr, mmr) in zip(floors, rows, strict=True)
    )


def tiers_of(instrument: Instrument, price_usd: float) -> tuple[Tier, ...]:
    """Return the tiers of a simulated contract, given the coin's anchor price."""
    if instrument.exchange == "binance":
        return _progressive(BINANCE.get(instrument.coin, BINANCE[""]))
    if instrument.exchange == "bybit":
        return bybit_tiers(instrument.coin)
    return okx_tiers(instrument.coin, price_usd, instrument.contract_units)
