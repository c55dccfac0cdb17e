"""Two days of a hand-made market, as input of the history charts."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import polars as pl

LAST = datetime(2026, 1, 12)
HOURS = [LAST - timedelta(hours=back) for back in range(47, -1, -1)]
MARKS = [100_000.0 + 2_000 * math.sin(at / 6) for at in range(48)]
STEP = 1.001


def path() -> pl.DataFrame:
    marks = pl.Series("mark_price", MARKS)
    return pl.DataFrame({"hour_utc": HOURS, "mark_price": marks, "lowest": marks * 0.997, "highest": marks * 1.004})


def cells(buckets: int = 2) -> pl.DataFrame:
    first, last = (math.floor(math.log(edge) / math.log(STEP)) // buckets for edge in (85_000, 117_000))
    return pl.DataFrame(
        {
            "hour_utc": hour,
            "price_bucket": row,
            "price_low": STEP ** (row * buckets),
            "price_high": STEP ** ((row + 1) * buckets),
            "notional_usd": 1e6 * (1 + abs(row % 20 - 10)),
        }
        for hour in HOURS
        for row in range(first, last)
    ).with_columns(pl.col("price_bucket").cast(pl.Int32))


def level() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "hour_utc": hour,
            "side": "long" if mark > 100_050 else "short",
            "price_low": 100_000.0,
            "price_high": 100_100.0,
            "notional_usd": 1e6 + 1e4 * at,
            "intensity": None if at == 0 else 1.2,
            "mark_price": mark,
            "parameters_version": "prior-1",
            "source": "simulated",
        }
        for at, (hour, mark) in enumerate(zip(HOURS, MARKS, strict=True))
    )


def balance(*, stale: bool = False) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "hour_utc": hour,
            "distance_bp": 500.0,
            "side": side,
            "usd": usd,
            "low_usd": usd / 2,
            "high_usd": usd * 2,
            "imbalance": 0.2,
            "is_stale": stale and hour == LAST,
            "parameters_version": "prior-1",
            "source": "simulated",
        }
        for hour in HOURS
        for side, usd in (("long", 3e8), ("short", 2e8))
    )


def sweeps() -> pl.DataFrame:
    """Return sweeps with liquidations of OKX, none in the last hour, and unknown ones of Binance."""
    return pl.DataFrame(
        [
            {
                "hour_utc": hour,
                "exchange": exchange,
                "side": side,
                "predicted_usd": 2e6,
                "realised_usd": None if exchange == "binance" else 0.0 if hour == LAST else 1.5e6,
                "completeness": None if exchange == "binance" else "recent",
                "source": "simulated",
            }
            for hour in HOURS
            for exchange in ("binance", "okx")
            for side in ("long", "short")
        ]
    )


def scores() -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "date": LAST.date(),
                "exchange": exchange,
                "side": side,
                "estimator": estimator,
                "scored_days": 7,
                "hours": 100 if exchange == "okx" else 0,
                "rank_correlation": 0.8 if exchange == "okx" else None,
                "poisson_deviance": 0.7 if exchange == "okx" else None,
                "realised_usd": 1e7 if exchange == "okx" else None,
                "predicted_usd": 2e7 if exchange == "okx" and estimator != "range" else None,
                "completeness": "recent" if exchange == "okx" else None,
                "source": "simulated",
            }
            for exchange in ("binance", "okx")
            for side in ("long", "short")
            for estimator in ("fitted", "prior", "ladder", "distance", "open_interest", "range")
        ]
    )


def tracks() -> pl.DataFrame:
    """Return rows of mart.cluster_history: an active, a swept and an expired track."""
    ends = {"L1": "active", "L2": "swept", "S1": "expired"}
    return pl.DataFrame(
        [
            {
                "hour_utc": LAST if state == "active" else HOURS[30],
                "side": "short" if track.startswith("S") else "long",
                "track_id": track,
                "price_low": 97_000.0 + 2_000 * at,
                "price_high": 97_500.0 + 2_000 * at,
                "born_utc": HOURS[0] - timedelta(days=3) if at == 0 else HOURS[10],
                "largest_usd": 3e8 - 1e8 * at,
                "track_status": state,
                "predicted_usd": 1e8 if state == "swept" else None,
                "realised_usd": None,
                "parameters_version": "prior-1",
                "source": "simulated",
            }
            for at, (track, state) in enumerate(ends.items())
        ],
        infer_schema_length=None,
    )
