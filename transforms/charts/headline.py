"""Sentences of the kind that analysts post: where price stands, what a move would liquidate, which side is heavier."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import polars as pl

from transforms.charts.amounts import amount, hour_text, listing, part, percent, price_text
from transforms.charts.snapshot import Snapshot

DISTANCES = (0.01, 0.05)
"""How far from the mark the levels stand when none is chosen."""
_BALANCE_BP = 500
_MIDDLE = (pl.col("price_low") * pl.col("price_high")).sqrt()
_BUCKET = math.log(1.001)


def write(market: Snapshot, prices: Sequence[float] = ()) -> list[str]:
    """The sentences, in order. `prices` are levels to speak of; without any, those at `DISTANCES` on both sides."""
    chosen = prices or [market.mark * (1 + sign * d) for sign in (-1, 1) for d in DISTANCES]
    return [
        _stands(market),
        *(_level(market, price) for price in sorted(chosen, key=lambda p: (p > market.mark, abs(p - market.mark)))),
        *_balance(market),
        *_clusters(market),
        _basis(market),
    ]


def _stands(market: Snapshot) -> str:
    where = f"mark, {market.reference}; {market.source} data"
    return f"{market.coin} stands at {price_text(market.mark)} ({where}), hour {hour_text(market.hour)}."


def _level(market: Snapshot, price: float) -> str:
    side, move = ("long", "fall") if price <= market.mark else ("short", "rise")
    between = pl.lit(price) <= _MIDDLE if side == "long" else pl.lit(price) >= _MIDDLE
    mine = market.levels.filter(pl.col("side") == side)
    bucket = math.floor(math.log(price) / _BUCKET)
    low, high = math.exp(bucket * _BUCKET), math.exp((bucket + 1) * _BUCKET)
    total, by_exchange = _sums(market, mine.filter(between))
    there, there_by_exchange = _sums(market, mine.filter(pl.col("price_bucket") == bucket))
    reached = f"A {move} to {price_text(price)} ({percent(price / market.mark - 1)}) would liquidate "
    reached += f"{amount(total)} dollars of {side}s in all" + (f": {by_exchange}." if total else ".")
    edge = _edge(mine, side)
    if edge and (price < edge if side == "long" else price > edge):
        return f"{reached} The map ends at {price_text(edge)}; what stands beyond is not in it."
    level = f"At that level itself ({price_text(low)}-{price_text(high)})"
    return f"{reached} {level} " + (f"stand: {there_by_exchange}." if there else "stands none.")


def _edge(levels: pl.DataFrame, side: str) -> float | None:
    """Where the map of a side ends; None where it is empty."""
    if levels.is_empty():
        return None
    row = levels.select(pl.col("price_low").min(), pl.col("price_high").max()).row(0)
    return float(row[side == "short"])


def _sums(market: Snapshot, levels: pl.DataFrame) -> tuple[float, str]:
    sums = dict(levels.group_by("exchange").agg(pl.col("notional_usd").sum()).iter_rows())
    each = ", ".join(f"{name} {amount(sums.get(name, 0.0))}" for name in market.exchanges)
    return math.fsum(sums.values()), each


def _balance(market: Snapshot) -> list[str]:
    row = next(iter(market.balance.filter(pl.col("distance_bp") == _BALANCE_BP).iter_rows(named=True)), None)
    if row is None or row["imbalance"] is None:
        return []
    sides = sorted((("longs", row["long_usd"]), ("shorts", row["short_usd"])), key=lambda s: -s[1])
    (heavy, most), (light, least) = sides
    about = {side: _range(market, side.rstrip("s")) for side, _ in sides}
    times = f"{most / least:.1f} times" if least else "all"
    weighed = "both sides are about even" if times == "1.0 times" else f"{heavy} are heavier"
    against = f"{amount(most)}{about[heavy]}" + (f" of {heavy}" if times == "1.0 times" else "")
    return [
        f"Within {_BALANCE_BP / 100:.0f} % of each exchange's own mark, {weighed}: {against} "
        f"against {amount(least)}{about[light]} of {light} ({times}; imbalance {row['imbalance']:+.2f})."
    ]


def _range(market: Snapshot, side: str) -> str:
    """` (290M to 560M)`: where the truth is meant to lie four times out of five; empty where it is not known."""
    if market.ranges.is_empty():
        return ""
    point = market.ranges.filter((pl.col("side") == side) & (pl.col("distance_bp") == _BALANCE_BP))
    ends = point.select("cumulative_p10_usd", "cumulative_p90_usd").rows()
    return f" ({amount(ends[0][0])} to {amount(ends[0][1])})" if ends else ""


def _clusters(market: Snapshot) -> list[str]:
    first = market.clusters.sort("side", "rank").group_by("side", maintain_order=True).first()
    told = [_cluster(row) for row in first.iter_rows(named=True)]
    return [f"Largest clusters: {'; '.join(told)}."] if told else []


def _cluster(row: dict[str, object]) -> str:
    shares = json.loads(str(row["exchange_shares"]))
    lead = max(shares, key=shares.__getitem__, default=None)
    at = f", {part(shares[lead])} on {lead}" if lead else ""
    low, high = (price_text(float(str(row[edge]))) for edge in ("price_low", "price_high"))
    intensity, notional = float(str(row["intensity"])), float(str(row["notional_usd"]))
    return f"{row['side']}s {low}-{high} ({amount(notional)}, intensity {intensity:.1f}{at})"


def _basis(market: Snapshot) -> str:
    remarks = f" ({'; '.join(market.remarks())})" if market.remarks() else ""
    return (
        f"Modelled from open interest, volume and margin tiers of {listing(market.exchanges)}{remarks} with parameters "
        f"{market.parameters_version}; an estimate, not a record."
    )
