"""A hand-made market: three exchanges, both sides, notional that falls with distance, one exchange carried."""

from __future__ import annotations

import math
from datetime import datetime

import polars as pl
import pytest

from expectations.columns.kinds import EXCHANGES
from transforms.charts.snapshot import Snapshot

HOUR = datetime(2026, 1, 12)
MARKS = {"binance": 103_753.0, "bybit": 103_760.0, "okx": 103_748.0}
SIZES = {"binance": 40e6, "bybit": 30e6, "okx": 15e6}
STEP = math.log(1.001)


def rows(exchange: str) -> list[dict[str, object]]:
    mark = MARKS[exchange]
    found = []
    for bucket in range(math.floor(math.log(mark * 0.85) / STEP), math.floor(math.log(mark * 1.15) / STEP)):
        low, high = math.exp(bucket * STEP), math.exp((bucket + 1) * STEP)
        middle = math.sqrt(low * high)
        distance = abs(math.log(middle / mark))
        bump = 1 + 2 * math.exp(-(((distance - 0.03) / 0.004) ** 2)) + math.exp(-(((distance - 0.06) / 0.01) ** 2))
        usd = SIZES[exchange] * distance * 8 * math.exp(-distance * 14) * bump * (1.3 if middle > mark else 1.0)
        windows = {
            "notional_usd": usd,
            "notional_1d_usd": usd / 4,
            "notional_7d_usd": usd / 2,
            "notional_30d_usd": usd * 0.9,
        }
        side = "long" if middle <= mark else "short"
        found.append(
            {"exchange": exchange, "side": side, "price_bucket": bucket, "price_low": low, "price_high": high} | windows
        )
    return found


@pytest.fixture
def market() -> Snapshot:
    levels = pl.DataFrame([row for exchange in EXCHANGES for row in rows(exchange)])
    exchange_rows = pl.DataFrame(
        {
            "exchange": list(EXCHANGES),
            "mark_price": [MARKS[name] for name in EXCHANGES],
            "is_stale": [False, False, True],
            "fresh_at_utc": [HOUR, HOUR, datetime(2026, 1, 11, 22)],
        }
    )
    balance = pl.DataFrame({"distance_bp": [500.0], "long_usd": [1.56e9], "short_usd": [2.14e9], "imbalance": [-0.157]})
    clusters = pl.DataFrame(
        {
            "side": ["long", "long", "short"],
            "rank": [1, 2, 1],
            "price_low": [100_700.0, 97_000.0, 106_400.0],
            "price_high": [101_100.0, 97_400.0, 107_100.0],
            "notional_usd": [312e6, 200e6, 420e6],
            "intensity": [2.1, 1.6, 2.4],
            "lead_exchange": ["binance"] * 3,
            "lead_share": [0.5] * 3,
        }
    )
    missing = pl.DataFrame(schema={"exchange": pl.String(), "reason": pl.String()})
    return Snapshot("BTC", HOUR, "simulated", "prior-1", levels, exchange_rows, balance, clusters, missing)
