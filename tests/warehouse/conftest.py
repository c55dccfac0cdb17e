"""A small hand-made warehouse: BTC, two hours, three exchanges, okx carried in the second hour; nothing is fetched."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.columns.kinds import EXCHANGES
from expectations.tables import table
from transforms.model.assumptions import PRIOR_VERSION
from transforms.tables import model_parameters
from warehouse.catalog import build as catalog
from warehouse.storage.store import Store, open_store

HOURS = (datetime(2026, 1, 11, 23), datetime(2026, 1, 12))
MARKS = {"binance": 103_753.0, "bybit": 103_760.0, "okx": 103_748.0}
SIZES = {"binance": 40e6, "bybit": 30e6, "okx": 15e6}
DISTANCES = (100.0, 200.0, 500.0, 1000.0)
STEP = math.log(1.001)
_OBSERVED = ("calibration_exposure", "position_ledger", "realised_liquidations", "realised_coverage")
ABOUT = {"coin": "BTC", "parameters_version": PRIOR_VERSION, "source": "simulated"}


def levels(hour: datetime) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for exchange, mark in MARKS.items():
        first, last = (math.floor(math.log(mark * edge) / STEP) for edge in (0.80, 1.20))
        for bucket in range(first, last):
            low, high = math.exp(bucket * STEP), math.exp((bucket + 1) * STEP)
            distance = abs(math.log(math.sqrt(low * high) / mark))
            usd = SIZES[exchange] * distance * (1.3 if math.sqrt(low * high) > mark else 1.0)
            row = {
                "exchange": exchange,
                "instrument": "BTCUSDT",
                "price_bucket": bucket,
                "price_low": low,
                "price_high": high,
            }
            row |= {
                "side": "long" if math.sqrt(low * high) <= mark else "short",
                "leverage_class": "10x",
                "notional_usd": usd,
            }
            row |= {
                "notional_1d_usd": usd / 4,
                "notional_7d_usd": usd / 2,
                "notional_30d_usd": usd * 0.9,
                "mark_price": mark,
            }
            rows.append(row | {"is_stale": exchange == "okx" and hour == HOURS[1], "gap_log_sd": 0.0})
    return pl.DataFrame(rows).with_columns(hour_utc=pl.lit(hour), date=pl.lit(hour.date()), **_attributes())


def balance(of_hour: pl.DataFrame) -> pl.DataFrame:
    mark = pl.col("mark_price")
    away = ((pl.col("price_low") * pl.col("price_high")).sqrt() / mark - 1).abs()
    rows = []
    for bp in DISTANCES:
        within = of_hour.filter(away <= bp / 1e4)
        long_usd, short_usd = (within.filter(side=side)["notional_usd"].sum() for side in ("long", "short"))
        imbalance = (long_usd - short_usd) / (long_usd + short_usd)
        rows.append({"distance_bp": bp, "long_usd": long_usd, "short_usd": short_usd, "imbalance": imbalance})
    hour = of_hour["hour_utc"][0]
    known = {
        "hour_utc": pl.lit(hour),
        "date": pl.lit(hour.date()),
        "is_stale": pl.lit(True),
        "mark_price": pl.lit(103_753.0),
    }
    return pl.DataFrame(rows).with_columns(**known, **_attributes())


def clusters(hour: datetime) -> pl.DataFrame:
    ranges = {"long": (100_700.0, 101_100.0, 312e6, 2.1), "short": (106_400.0, 107_100.0, 420e6, 2.4)}
    rows = [
        {"side": side, "rank": 1, "cluster_id": f"BTC-{side}", "price_low": low, "price_high": high,
         "price_peak": low + 100,
         "notional_usd": usd, "intensity": intensity, "distance_bp": 280.0}
        for side, (low, high, usd, intensity) in ranges.items()
    ]  # fmt: skip
    known = {
        "hour_utc": pl.lit(hour),
        "date": pl.lit(hour.date()),
        "is_stale": pl.lit(False),
        "mark_price": pl.lit(103_753.0),
    }
    return pl.DataFrame(rows).with_columns(**known, **_attributes())


def shares(found: pl.DataFrame) -> pl.DataFrame:
    parts = pl.DataFrame({"exchange": EXCHANGES, "share": [0.5, 0.3, 0.2]})
    rows = found.drop("price_low", "price_high", "price_peak", "intensity", "distance_bp")
    return rows.join(parts, how="cross").with_columns(pl.col("notional_usd") * pl.col("share"))


def books(hour: datetime) -> pl.DataFrame:
    amounts = {
        "opened_base": 2.0,
        "closed_base": 1.0,
        "liquidated_base": 1.0,
        "beyond_map_base": 60.0,
        "unliquidatable_base": 10.0,
    }
    amounts |= {"in_map_base": 30.0} | dict.fromkeys(("opening_base", "closing_base", "open_interest_base"), 100.0)
    rows = [
        {"exchange": exchange, "instrument": "BTCUSDT", "side": side, "mark_price": mark, **amounts,
         "is_stale": exchange == "okx" and hour == HOURS[1], "gap_log_sd": 0.0}
        for exchange, mark in MARKS.items()
        for side in ("long", "short")
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(hour_utc=pl.lit(hour), date=pl.lit(hour.date()), **_attributes())


def _attributes() -> dict[str, pl.Expr]:
    return {name: pl.lit(value) for name, value in ABOUT.items()}


def fill(store: Store) -> None:
    of_hours = [levels(hour) for hour in HOURS]
    store.write_partitions(table("liquidation_levels"), pl.concat(of_hours))
    store.write_partitions(table("market_balance"), pl.concat(map(balance, of_hours)))
    store.write_partitions(table("liquidation_clusters"), pl.concat(map(clusters, HOURS)))
    store.write_partitions(table("cluster_shares"), pl.concat(shares(clusters(hour)) for hour in HOURS))
    store.write_partitions(table("position_ledger"), pl.concat(map(books, HOURS)))
    none = (table(name).empty() for name in _OBSERVED)
    store.write(model_parameters.TABLE, model_parameters.build(*none, day=model_parameters.STATED), {})
    gap = {
        "coin": "BTC",
        "date": HOURS[1].date(),
        "exchange": "okx",
        "instrument": "BTC-USDT-SWAP",
        "series": "open_interest",
    }
    gap |= {"hour_utc": HOURS[1], "state": "carried", "reason": "okx did not answer"}
    store.write_partitions(table("gaps"), pl.DataFrame([gap]))
    store.write(table("watermark"), pl.DataFrame({"hour_utc": [HOURS[1]], "source": ["simulated"]}), {})


@pytest.fixture
def small_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the small warehouse; `LIQ_WAREHOUSE` names it, and the working directory has no `.env`."""
    assert set(MARKS) == set(EXCHANGES)
    root = tmp_path / "warehouse"
    fill(open_store(root, "simulated", create=True))
    catalog.build(root)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIQ_WAREHOUSE", str(root))
    return root
