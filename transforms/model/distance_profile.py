"""How far from its entry each leverage class is liquidated: a share of every class in each bucket of distance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from transforms.model.assumptions import LEVERAGE_EDGES_X, LEVERAGE_X, Assumptions
from transforms.model.liquidation_price import Tiers, liquidation_price
from transforms.model.price_grid import WIDTH, Floats

_POINTS = (
    256  # leverages a class is sampled at: the widest class spans 470 buckets, so none is skipped by interpolation
)
_PRICE_STEP = 0.05  # tiers depend on the entry price only through the size in coins; 5 % moves hardly change them


@dataclass(frozen=True)
class Profile:
    """For one class.

    `shares` (sum 1) of its positions liquidated `first`, `first + 1`, … buckets above the entry's bucket.
    """

    first: int
    shares: Floats


@dataclass(frozen=True)
class Contract:
    """What the formula needs to know of an instrument."""

    exchange: str
    kind: str
    tiers: Tiers


def profiles(contract: Contract, assumed: Assumptions, entry: float, s: int) -> tuple[Profile, ...]:
    """One profile a class, for positions of its typical size entered near `entry` USD; s is +1 long, -1 short.

    Leverage that the position's tier does not allow is brought down to what it allows.
    """
    return _profiles(contract, assumed.position_usd, round(math.log(entry) / _PRICE_STEP), s)


@lru_cache(maxsize=4096)
def _profiles(contract: Contract, position_usd: tuple[float, ...], step: int, s: int) -> tuple[Profile, ...]:
    entry = math.exp(step * _PRICE_STEP)
    return tuple(_profile(contract, position_usd[i], entry, i, s) for i in range(len(LEVERAGE_X)))


def _profile(contract: Contract, usd: float, entry: float, index: int, s: int) -> Profile:
    base = usd / entry
    size = contract.tiers.size(np.array([base]), np.array([entry]))
    allowed = contract.tiers.highest_leverage(float(size[0]))
    high, low = (min(edge, allowed) for edge in LEVERAGE_EDGES_X[index : index + 2])
    leverage = np.exp(np.linspace(np.log(low), np.log(high), _POINTS))
    sizes = np.full(_POINTS, usd if contract.kind == "inverse" else base)
    price = liquidation_price(
        contract.exchange, contract.kind, np.full(_POINTS, entry), sizes, leverage, contract.tiers, s
    )
    offset = np.log(np.clip(price, entry * 1e-3, entry * 1e3) / entry) / WIDTH
    offset = np.minimum(offset, -1.0) if s > 0 else np.maximum(offset, 1.0)  # never on the wrong side of its own entry
    return _binned(offset)


def _binned(offset: Floats) -> Profile:
    """Entries lie anywhere in their bucket: a position `offset` buckets away falls into two, by its fraction."""
    whole = np.floor(offset).astype(np.int64)
    first = int(whole.min())
    shares = np.zeros(int(whole.max()) - first + 2)
    np.add.at(shares, whole - first, 1.0 - (offset - whole))
    np.add.at(shares, whole - first + 1, offset - whole)
    return Profile(first, shares / shares.sum())
