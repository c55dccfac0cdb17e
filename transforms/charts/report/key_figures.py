"""The figures that a report begins with: the mark, both sides near it, the nearest clusters, max pain, the cascade."""

from __future__ import annotations

from typing import Any

import polars as pl

from transforms.charts.amounts import amount, part, percent, price_text
from transforms.charts.snapshot import Snapshot

KeyFigure = tuple[str, str, str]
"""Name, value, remark."""
WITHIN_BP = (100.0, 200.0, 500.0)
_SIDES = {"long": "below", "short": "above"}


def write(market: Snapshot, cascade: pl.DataFrame, summary: pl.DataFrame) -> list[KeyFigure]:
    """Return the figures in reading order.

    cascade, summary: the hour's rows of the macro `cascade` and of mart.market_summary, or none.
    """
    return [
        ("Mark", price_text(market.mark), f"{market.reference}; {market.source}"),
        *_balance(market),
        *(figure for side in _SIDES for figure in _nearest(market, side)),
        *(figure for row in summary.iter_rows(named=True) for figure in (*_max_pain(row, market.mark), *_voids(row))),
        *(_cascade(row) for row in cascade.iter_rows(named=True)),
    ]


def _balance(market: Snapshot) -> list[KeyFigure]:
    rows = market.balance.filter(pl.col("distance_bp").is_in(WITHIN_BP)).sort("distance_bp")
    return [
        (
            f"Longs / shorts within {row['distance_bp'] / 100:g}\u00a0%",
            f"{amount(row['long_usd'])} / {amount(row['short_usd'])}",
            _remark(row["imbalance"]),
        )
        for row in rows.iter_rows(named=True)
    ]


def _remark(imbalance: float | None) -> str:
    return "" if imbalance is None else f"modelled USD, from each exchange's mark; imbalance {imbalance:+.2f}"


def nearest(market: Snapshot, side: str) -> dict[str, Any] | None:
    """Return the cluster of a side that is nearest to the mark; None if there is none."""
    mine = market.clusters.filter(pl.col("side") == side)
    return mine.sort("distance_bp").row(0, named=True) if len(mine) else None


def _nearest(market: Snapshot, side: str) -> list[KeyFigure]:
    found = nearest(market, side)
    if found is None:
        return []
    span = f"{price_text(found['price_low'])}-{price_text(found['price_high'])}"
    remark = f"{amount(found['notional_usd'])} USD modelled, intensity {found['intensity']:.1f}"
    return [(f"Nearest cluster {_SIDES[side]}", span, f"{remark}, {found['distance_bp'] / 100:.1f} % away")]


def _max_pain(row: dict[str, Any], mark: float) -> list[KeyFigure]:
    """Return the bucket with the most notional on each side, all exchanges together."""
    found = ((side, row[f"{side}_max_pain_price"], row[f"{side}_max_pain_usd"]) for side in _SIDES)
    return [
        (f"Max pain of {side}s", price_text(price), f"{amount(usd)} USD modelled in 10 bp, {percent(price / mark - 1)}")
        for side, price, usd in found
        if price is not None
    ]


def _voids(row: dict[str, Any]) -> list[KeyFigure]:
    """Return the widest sparse range within 10 % of the mark on each side."""
    ends = {side: (row[f"{side}_void_low"], row[f"{side}_void_high"]) for side in _SIDES}
    return [
        (f"Void {_SIDES[side]}", f"{price_text(low)}-{price_text(high)}", f"{part(high / low - 1, 1)} wide, modelled")
        for side, (low, high) in ends.items()
        if low is not None and high is not None
    ]


def _cascade(row: dict[str, Any]) -> KeyFigure:
    name = f"Cascade risk, {'down' if row['side'] == 'long' else 'up'}"
    if row["largest_ratio"] is None:
        return name, "unknown", "market depth is unknown"
    if row["trigger_price"] is None:
        return name, "low", f"modelled; ratio {row['largest_ratio']:.2f} at most{_rank(row)}, self-sustaining from 1"
    end = "" if row["exhaustion_price"] is None else f", ends at {price_text(row['exhaustion_price'])}"
    times = "" if row["amplification"] is None else f", amplified {row['amplification']:.1f}x"
    return name, f"from {price_text(row['trigger_price'])}", f"modelled{times}{end}{_rank(row)}"


def _rank(row: dict[str, Any]) -> str:
    """Return the rank of the hour's ratio among those of the 90 days before; empty if there are too few."""
    percentile = row["largest_ratio_percentile"]
    return "" if percentile is None else f" (above {percentile:.0f} % of the last 90 days)"
