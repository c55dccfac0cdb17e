"""Exact liquidation prices of isolated positions, by exchange and contract kind, with tiered maintenance margin.

Source of the formulas: the exchanges' margin documentation. Fees and funding are ignored, except for OKX's taker fee,
which is part of its rule. s is +1 for a long, -1 for a short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transforms.model.price_grid import Floats

OKX_TAKER_FEE = 0.0005
_ROUNDS = 20
_NEVER = {+1: 0.0, -1: np.inf}  # a long that is liquidated only at zero, a short that never is


@dataclass(frozen=True)
class Tiers:
    """Risk tiers of one contract, ascending.

    Bounds are in `bound_unit` (usd, base or contracts), deductions in quote currency or coins.
    """

    cap: tuple[float, ...]
    maintenance_rate: tuple[float, ...]
    deduction: tuple[float, ...]
    max_leverage_x: tuple[float, ...]
    bound_unit: str = "usd"
    contract_base: float = 1.0

    def find(self, size: Floats) -> np.ndarray:
        """Return the tier index of each position size (in bound_unit); sizes beyond the last cap get the last tier."""
        return np.minimum(np.searchsorted(np.asarray(self.cap), size, side="left"), len(self.cap) - 1)

    def size(self, base: Floats, price: Floats) -> Floats:
        """Return the size of a position of `base` coins at `price`, in bound_unit."""
        return {"usd": base * price, "base": base, "contracts": base / self.contract_base}[self.bound_unit]

    def highest_leverage(self, size: float) -> float:
        """Return the maximum leverage of a position of `size` (in bound_unit)."""
        return self.max_leverage_x[int(self.find(np.asarray([size]))[0])]


def linear_at_mark(entry: Floats, base: Floats, leverage: Floats, tiers: Tiers, s: int, fee: float = 0.0) -> Floats:
    """Solve for Binance USD-M, Hyperliquid (fee 0) and OKX linear (taker fee): maintenance on the notional at the mark.

    entry USD, base coins, leverage x: arrays of one shape; returns USD. The tier is looked up at the liquidation price
    and iterated until it is stable; if two tiers alternate, the last one tried applies.
    """
    price = np.array(entry, dtype=np.float64)
    margin = entry * base / leverage
    rates, deductions = np.asarray(tiers.maintenance_rate), np.asarray(tiers.deduction)
    for _ in range(_ROUNDS):
        tier = tiers.find(tiers.size(base, price))
        new = (entry * base - s * margin - s * deductions[tier]) / (base * (1.0 - s * (rates[tier] + fee)))
        if np.all(np.abs(new - price) <= 1e-12 * entry):
            break
        price = new
    return np.asarray(np.maximum(new, 0.0))


def linear_at_entry(entry: Floats, base: Floats, leverage: Floats, tiers: Tiers, s: int) -> Floats:
    """Solve for Bybit linear: maintenance margin and tier are those of the notional at entry."""
    tier = tiers.find(tiers.size(base, entry))
    maintenance = entry * base * np.asarray(tiers.maintenance_rate)[tier] - np.asarray(tiers.deduction)[tier]
    return np.asarray(np.maximum(entry - s * (entry * base / leverage - maintenance) / base, 0.0))


def inverse_at_mark(entry: Floats, notional_usd: Floats, leverage: Floats, tiers: Tiers, s: int) -> Floats:
    """Solve for Binance COIN-M and OKX inverse: size in USD; margin, tier bounds (`base`) and deductions in coins."""
    value = notional_usd / entry
    margin = value / leverage
    tier = tiers.find(value)
    rate, deduction = np.asarray(tiers.maintenance_rate)[tier], np.asarray(tiers.deduction)[tier]
    below = value + s * (margin + deduction)
    return np.where(below > 0, notional_usd * (1.0 + s * rate) / np.where(below > 0, below, 1.0), _NEVER[s])


def inverse_at_entry(entry: Floats, notional_usd: Floats, leverage: Floats, tiers: Tiers, s: int) -> Floats:
    """Solve for Bybit inverse: as linear, in coins. With a denominator of zero or less it is never liquidated."""
    value = notional_usd / entry
    tier = tiers.find(value)
    maintenance = value * np.asarray(tiers.maintenance_rate)[tier] - np.asarray(tiers.deduction)[tier]
    below = value + s * (value / leverage - maintenance)
    return np.where(below > 0, notional_usd / np.where(below > 0, below, 1.0), _NEVER[s])


def liquidation_price(
    exchange: str, kind: str, entry: Floats, size: Floats, leverage: Floats, tiers: Tiers, s: int
) -> Floats:
    """Return the liquidation price (USD) by the exchange's own formula.

    `size` is in coins (linear) or USD (inverse). Raises ValueError where no formula is known.
    """
    match exchange, kind:
        case "binance" | "hyperliquid", "linear":
            return linear_at_mark(entry, size, leverage, tiers, s)
        case "okx", "linear":
            return linear_at_mark(entry, size, leverage, tiers, s, OKX_TAKER_FEE)
        case "bybit", "linear":
            return linear_at_entry(entry, size, leverage, tiers, s)
        case "binance" | "okx", "inverse":
            return inverse_at_mark(entry, size, leverage, tiers, s)
        case "bybit", "inverse":
            return inverse_at_entry(entry, size, leverage, tiers, s)
    raise ValueError(
        f"no liquidation price formula for {kind} contracts on {exchange}: add one to liquidation_price.py"
    )
