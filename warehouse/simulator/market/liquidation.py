"""Liquidation prices of positions, written from the exchanges' documentation and not from the estimator's formulas."""

import numpy as np

from warehouse.simulator.market.listing import Exchange
from warehouse.simulator.market.prices import Floats, Ints
from warehouse.simulator.market.tiers import Tier

OKX_TAKER_FEE = 0.0005
ROUNDS = 20


class Ladder:
    """The margin tiers of one contract as arrays, and the exchange with the liquidation rules."""

    def __init__(self, tiers: tuple[Tier, ...], rules: Exchange = "binance") -> None:
        self.rules = rules
        self.cap: Floats = np.array([tier.cap for tier in tiers])
        self.rate: Floats = np.array([tier.maintenance for tier in tiers])
        self.deduction: Floats = np.array([tier.deduction for tier in tiers])
        self.leverage: Floats = np.array([tier.max_leverage for tier in tiers])

    def of(self, amount: Floats) -> Ints:
        """Return the tier of each amount. A bound belongs to the tier below; past all bounds the last one applies."""
        return np.minimum(np.searchsorted(self.cap, amount, side="left"), len(self.cap) - 1)

    def of_position(self, base: Floats, price: Floats) -> Ints:
        """Return the tier of positions of ``base`` coins at a USD price: OKX's bounds are in coins, others' in USD."""
        return self.of(base if self.rules == "okx" else base * price)


def liquidation_prices(
    exchange: Exchange, ladder: Ladder, entry: Floats, base: Floats, margin: Floats, side: Floats
) -> Floats:
    """Return the price in USD per coin that liquidates each isolated position; NaN where none does.

    ``base`` in coins, ``margin`` in USD, ``side`` +1 long or -1 short.
    """
    if exchange == "binance":
        price = _at_mark(ladder, entry, base, margin, side)
    elif exchange == "bybit":
        tier = ladder.of(entry * base)
        maintenance = entry * base * ladder.rate[tier] - ladder.deduction[tier]
        price = entry - side * (margin - maintenance) / base
    else:
        rate = ladder.rate[ladder.of(base)] + OKX_TAKER_FEE
        price = (entry * base - side * margin) / (base * (1.0 - side * rate))
    return np.where(price > entry * 1e-6, price, np.nan)


def _at_mark(ladder: Ladder, entry: Floats, base: Floats, margin: Floats, side: Floats) -> Floats:
    """Return Binance's liquidation price: its tier is that of the notional at this price, found by iteration."""
    price = entry.copy()
    for _ in range(ROUNDS):
        tier = ladder.of(price * base)
        held = entry * base - side * margin - side * ladder.deduction[tier]
        found = held / (base * (1.0 - side * ladder.rate[tier]))
        if np.array_equal(ladder.of(found * base), tier):
            return found
        price = found
    return price


def bankruptcy_prices(entry: Floats, base: Floats, margin: Floats, side: Floats) -> Floats:
    """Return the price at which the whole margin is lost, which OKX publishes as ``bkPx``."""
    return entry - side * margin / base
