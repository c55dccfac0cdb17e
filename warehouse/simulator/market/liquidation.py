"""Where a position is liquidated. Written from the exchanges' documentation, apart from any estimator's formula."""

import numpy as np

from warehouse.simulator.market.listing import Exchange
from warehouse.simulator.market.prices import Floats, Ints
from warehouse.simulator.market.tiers import Tier

OKX_TAKER_FEE = 0.0005
ROUNDS = 20


class Ladder:
    """The tiers of one contract, as arrays, and whose rules they come under."""

    def __init__(self, tiers: tuple[Tier, ...], rules: Exchange = "binance") -> None:
        self.rules = rules
        self.cap: Floats = np.array([tier.cap for tier in tiers])
        self.rate: Floats = np.array([tier.maintenance for tier in tiers])
        self.deduction: Floats = np.array([tier.deduction for tier in tiers])
        self.leverage: Floats = np.array([tier.max_leverage for tier in tiers])

    def of(self, amount: Floats) -> Ints:
        """The tier of each amount: a bound belongs to the tier below it; beyond the last the last tier holds."""
        return np.minimum(np.searchsorted(self.cap, amount, side="left"), len(self.cap) - 1)

    def of_position(self, base: Floats, price: Floats) -> Ints:
        """The tier of positions of ``base`` coins at USD a coin: OKX's bounds are in coins, the others' in USD."""
        return self.of(base if self.rules == "okx" else base * price)


def liquidation_prices(
    exchange: Exchange, ladder: Ladder, entry: Floats, base: Floats, margin: Floats, side: Floats
) -> Floats:
    """Price per coin in USD at which each isolated position is liquidated; NaN where no price does it.

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
    """Binance: the tier is that of the notional at the liquidation price, so it is looked up until it stands."""
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
    """Price at which the whole margin is gone: what OKX prints as ``bkPx``."""
    return entry - side * margin / base
