"""Liquidation distances from entry: the share of each leverage class in each bucket of distance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from transforms.model.assumptions import LEVERAGE_EDGES_X, LEVERAGE_X, POSITION_USD, ROUND_X
from transforms.model.liquidation_price import Tiers, liquidation_price
from transforms.model.price_grid import WIDTH, Floats, Ints

_POINTS = 1024  # leverages sampled per class: the widest class spans 470 buckets, three times sparser at its far end
_PRICE_STEP = 0.05  # entry affects the tier only through the size in coins, which a 5 % move hardly changes


@dataclass(frozen=True)
class Profiles:
    """The shares of each class (sum 1) by distance from the entry bucket.

    first [classes]: offset of the first share from the entry bucket, in buckets upward; shares [classes, widest]: only
    the first length [classes] of each row are used.
    """

    first: Ints
    shares: Floats
    length: Ints


@dataclass(frozen=True)
class Contract:
    """The attributes of an instrument that its liquidation price depends on."""

    exchange: str
    kind: str
    tiers: Tiers


def profiles(contract: Contract, entry: float, s: int) -> Profiles:
    """Return the profiles of positions of each class's typical size, entered near `entry` USD; s is +1 long, -1 short.

    Leverage above the tier's maximum is reduced to that maximum.
    """
    return _profiles(contract, round(math.log(entry) / _PRICE_STEP), s)


@lru_cache(maxsize=4096)
def _profiles(contract: Contract, step: int, s: int) -> Profiles:
    entry = math.exp(step * _PRICE_STEP)
    own = [_profile(contract, POSITION_USD[i], entry, i, s) for i in range(len(LEVERAGE_X))]
    first, length = (np.array(each) for each in zip(*((start, len(shares)) for start, shares in own), strict=True))
    shares = np.zeros((len(own), int(length.max())))
    for row, (_, each) in zip(shares, own, strict=True):
        row[: len(each)] = each
    return Profiles(first, shares, length)


def _profile(contract: Contract, usd: float, entry: float, index: int, s: int) -> tuple[int, Floats]:
    base = usd / entry
    size = contract.tiers.size(np.array([base]), np.array([entry]))
    allowed = contract.tiers.highest_leverage(float(size[0]))
    even = np.geomspace(LEVERAGE_EDGES_X[index], LEVERAGE_EDGES_X[index + 1], _POINTS)
    at_round = ROUND_X[index]
    leverage = np.minimum(np.append(even, list(at_round)), allowed)
    weight = np.append(np.full(_POINTS, (1.0 - sum(at_round.values())) / _POINTS), list(at_round.values()))
    entries = np.full(len(leverage), entry)
    sizes = np.full(len(leverage), usd if contract.kind == "inverse" else base)
    price = liquidation_price(contract.exchange, contract.kind, entries, sizes, leverage, contract.tiers, s)
    offset = np.log(np.clip(price, entry * 1e-3, entry * 1e3) / entry) / WIDTH
    offset = (
        np.minimum(offset, -1.0) if s > 0 else np.maximum(offset, 1.0)
    )  # liquidation is at least one bucket beyond entry
    return _bin_offsets(offset, weight)


def _bin_offsets(offset: Floats, weight: Floats) -> tuple[int, Floats]:
    """Bin offsets into buckets; an entry lies anywhere in its bucket, so two buckets share each offset."""
    whole = np.floor(offset).astype(np.int64)
    first = int(whole.min())
    shares = np.zeros(int(whole.max()) - first + 2)
    np.add.at(shares, whole - first, weight * (1.0 - (offset - whole)))
    np.add.at(shares, whole - first + 1, weight * (offset - whole))
    return first, shares / shares.sum()
