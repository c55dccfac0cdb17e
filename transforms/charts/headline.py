"""The headline in sentences: the mark, the notional that a move would liquidate, the balance and largest clusters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from transforms.charts.amounts import amount, hour_text, listing, part, percent, price_text
from transforms.charts.snapshot import Snapshot
from transforms.model import price_grid
from transforms.model.assumptions import PRIOR_VERSION
from transforms.model.bands import band

DISTANCES = (0.01, 0.05)
"""Distances of the default levels from the mark, as fractions."""
_BALANCE_BP = 500


def write(market: Snapshot, prices: Sequence[float] = ()) -> list[str]:
    """Return the sentences in order. prices: the levels to describe; by default those at DISTANCES on both sides."""
    chosen = prices or [market.mark * (1 + sign * d) for sign in (-1, 1) for d in DISTANCES]
    return [
        _mark(market),
        *(_level(market, price) for price in sorted(chosen, key=lambda p: (p > market.mark, abs(p - market.mark)))),
        *_balance(market),
        *_clusters(market),
        _basis(market),
    ]


def _mark(market: Snapshot) -> str:
    origin = f"mark, {market.reference}; {market.source} data"
    return f"{market.coin} stands at {price_text(market.mark)} ({origin}), hour {hour_text(market.hour)}."


def _level(market: Snapshot, price: float) -> str:
    """Return the notional from the mark to the price, its bucket included: the total of `at_risk` on one side."""
    side, move = ("long", "fall") if price < market.mark else ("short", "rise")
    marks = market.exchange_rows.select("exchange", is_below=price < pl.col("mark_price"))
    # An exchange whose own mark lies on the other side of the price has nothing on this side between them.
    mine = market.levels.join(marks, on="exchange").filter(
        (pl.col("side") == side) & (pl.col("is_below") == (side == "long"))
    )
    own = price_grid.bucket(price)
    low, high = price_grid.edge([own, own + 1])
    passed = pl.col("price_bucket") >= own if side == "long" else pl.col("price_bucket") <= own
    total, by_exchange = _sums(market, mine.filter(passed))
    interval = _interval_of(mine.filter(passed))
    in_bucket, in_bucket_by_exchange = _sums(market, mine.filter(pl.col("price_bucket") == own))
    sentence = f"A {move} to {price_text(price)} ({percent(price / market.mark - 1)}) would liquidate "
    sentence += f"{amount(total)}{interval} USD of {side}s" + (f": {by_exchange}." if total else ".")
    edge = _edge(mine, side)
    if edge and (price < edge if side == "long" else price > edge):
        return f"{sentence} The map ends at {price_text(edge)}; positions beyond it are not included."
    level = f"In its 10 bp bucket ({price_text(low)}-{price_text(high)})"
    return f"{sentence} {level}: {in_bucket_by_exchange if in_bucket else 'nothing'}."


def _edge(levels: pl.DataFrame, side: str) -> float | None:
    """Return the price at which the map of a side ends; None if it is empty."""
    if levels.is_empty():
        return None
    row = levels.select(pl.col("price_low").min(), pl.col("price_high").max()).row(0)
    return float(row[side == "short"])


def _sums(market: Snapshot, levels: pl.DataFrame) -> tuple[float, str]:
    sums = dict(levels.group_by("exchange").agg(pl.col("notional_usd").sum()).iter_rows())
    each = ", ".join(f"{name} {amount(sums.get(name, 0.0))}" for name in market.exchanges)
    return math.fsum(sums.values()), each


def _interval_of(levels: pl.DataFrame) -> str:
    """Return the 80 % credible interval of a sum of levels, by the rule of ops.band_factor; empty if unknown."""
    if "fit_usd" not in levels.columns or levels["fit_usd"].has_nulls():
        return ""
    usd, fit, gap = (math.fsum(levels[name]) for name in ("notional_usd", "fit_usd", "gap_usd"))
    if not usd:
        return ""
    low, _, high = band(np.array([usd]), np.array([fit / usd]), gap_log_sd=gap / usd)
    return f" ({amount(float(low))} to {amount(float(high))})"


def _balance(market: Snapshot) -> list[str]:
    row = next(iter(market.balance.filter(pl.col("distance_bp") == _BALANCE_BP).iter_rows(named=True)), None)
    if row is None or row["imbalance"] is None:
        return []
    sides = sorted((("longs", row["long_usd"]), ("shorts", row["short_usd"])), key=lambda s: -s[1])
    (heavy, most), (light, least) = sides
    intervals = {side: _interval(market, side.rstrip("s")) for side, _ in sides}
    times = f"{most / least:.1f} times" if least else "all"
    verdict = "both sides are about even" if times == "1.0 times" else f"{heavy} are heavier"
    heavier = f"{amount(most)}{intervals[heavy]}" + (f" of {heavy}" if times == "1.0 times" else "")
    return [
        f"Within {_BALANCE_BP / 100:.0f} % of each exchange's own mark, {verdict}: {heavier} "
        f"against {amount(least)}{intervals[light]} of {light} ({times}; imbalance {row['imbalance']:+.2f})."
    ]


def _interval(market: Snapshot, side: str) -> str:
    """Return the 80 % credible interval as ` (290M to 560M)`; empty if unknown."""
    if market.ranges.is_empty():
        return ""
    point = market.ranges.filter((pl.col("side") == side) & (pl.col("distance_bp") == _BALANCE_BP))
    ends = point.select("cumulative_p10_usd", "cumulative_p90_usd").rows()
    return f" ({amount(ends[0][0])} to {amount(ends[0][1])})" if ends else ""


def _clusters(market: Snapshot) -> list[str]:
    first = market.clusters.sort("side", "rank").group_by("side", maintain_order=True).first()
    texts = [_cluster(row) for row in first.iter_rows(named=True)]
    return [f"Largest clusters: {'; '.join(texts)}."] if texts else []


def _cluster(row: dict[str, Any]) -> str:
    share = f", {part(row['lead_share'])} on {row['lead_exchange']}" if row["lead_exchange"] else ""
    low, high = (price_text(float(str(row[edge]))) for edge in ("price_low", "price_high"))
    intensity, notional = float(str(row["intensity"])), float(str(row["notional_usd"]))
    return f"{row['side']}s {low}-{high} ({amount(notional)}, intensity {intensity:.1f}{share})"


def _basis(market: Snapshot) -> str:
    remarks = f" ({'; '.join(market.remarks())})" if market.remarks() else ""
    untaught = ", which no liquidations have taught" if market.parameters_version == PRIOR_VERSION else ""
    return (
        f"Modelled from open interest, volume and margin tiers of {listing(market.exchanges)}{remarks} with parameters "
        f"{market.parameters_version}{untaught}; an estimate, not a record."
    )
