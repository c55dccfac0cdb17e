"""Hand-made hours of clusters, with their position ledgers and bars."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from expectations.tables import table
from transforms.model.price_grid import bucket, edge, middle

FIRST = datetime(2026, 1, 5, 20)
HOUR = timedelta(hours=1)
MARK = bucket(100.0)
EVERY = {"coin": "BTC", "source": "simulated", "parameters_version": "v1", "is_stale": False, "mark_price": 100.0}
EVERY |= {"exchange": "okx", "instrument": "I", "price_kind": "mark"}
EVERY |= {"interval_minutes": 60, "intensity": 1.5, "distance_bp": 0.0}
Hours = list[tuple[list[tuple[int, int, int]], tuple[int, int]]]


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    """Draw hours of clusters (gap before, width, notional; outward from the mark) and the reach of their bars."""
    cluster = st.tuples(st.integers(0, 5), st.integers(2, 9), st.integers(1, 99))
    reach = st.integers(0, 30) if draw(st.booleans()) else st.just(0)
    return draw(st.lists(st.tuples(st.lists(cluster, max_size=5), st.tuples(reach, reach)), min_size=1, max_size=16))


def frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows of a table; missing columns come from EVERY, or are 1."""
    contract = table(name)
    whole = [{c: (EVERY | row).get(c, 1.0) for c in contract.schema} for row in rows]
    moment = contract.time_column or ""
    dated = [row | {"date": row[moment].date()} for row in whole]
    return contract.conform(pl.DataFrame(dated, schema=contract.schema, orient="row"))


def inputs(of: Hours) -> tuple[pl.DataFrame, ...]:
    """Return clusters, ledgers and bars of the hours from FIRST on, without realised liquidations."""
    found, books, bars = [], [], []
    for i, (clusters, (down, up)) in enumerate(of):
        now = FIRST + i * HOUR
        books += [{"hour_utc": now, "side": side, "gap_log_sd": 0.0} for side in ("long", "short")]
        bars.append({"open_utc": now - HOUR, "low": float(edge(MARK - down)), "high": float(edge(MARK + up + 1))})
        for side, outward in (("long", -1), ("short", 1)):
            at = MARK + outward
            for rank, (gap, width, usd) in enumerate(clusters, start=1):
                near, far = at + outward * gap, at + outward * (gap + width - 1)
                low, high = min(near, far), max(near, far)
                place = {"price_low": float(edge(low)), "price_high": float(edge(high + 1))}
                place |= {"price_peak": float(middle(low)), "cluster_id": f"BTC-{side}-{low}-{high}"}
                found.append(place | {"hour_utc": now, "side": side, "rank": rank, "notional_usd": float(usd)})
                at = far + outward
    nothing = (table("realised_liquidations").empty(), table("realised_coverage").empty())
    return (
        frame("liquidation_clusters", found), frame("position_ledger", books), frame("price_bars", bars), *nothing,
    )  # fmt: skip
