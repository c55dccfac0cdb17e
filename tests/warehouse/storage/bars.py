"""Price bars for storage tests, and the path of their partition."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl

from expectations.tables import table

BARS = table("price_bars")
DAY = date(2026, 1, 5)
KEY = {"coin": "BTC", "date": DAY}
PATH = "core/price_bars/coin=BTC/date=2026-01-05/data.parquet"


def bars(price: float = 100.0, day: date = DAY, rows: int = 3) -> pl.DataFrame:
    row = {"exchange": "binance", "instrument": "BTCUSDT", "coin": "BTC", "date": day, "interval_minutes": 5}
    row |= dict.fromkeys(("open", "high", "low", "close"), price) | {"price_kind": "mark", "source": "simulated"}
    row |= {"volume_base": 1.0, "taker_buy_base": 0.5}
    opens = [datetime.combine(day, datetime.min.time()).replace(minute=5 * i) for i in range(rows)]
    return BARS.conform(pl.DataFrame([{**row, "open_utc": each} for each in opens]))


def files(root: Path) -> set[str]:
    return {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
