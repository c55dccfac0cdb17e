"""A small sound partition of every table that passes all its checks; tests plant faults in copies of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from expectations.columns.evaluation import ESTIMATORS
from expectations.tables import table

DAY = date(2026, 1, 5)
HOUR = datetime.fromisoformat("2026-01-05T01:00:00")
SECOND, ONE_HOUR = timedelta(seconds=1), timedelta(hours=1)
Row = dict[str, Any]

_REPORTED = {"exchange": "binance", "instrument": "BTCUSDT", "coin": "BTC", "date": DAY, "source": "simulated"}
_STATE = {"coin": "BTC", "date": DAY, "hour_utc": HOUR}
_MODELLED = _STATE | {"parameters_version": "v1"}
_POSITION = {"exchange": "binance", "instrument": "BTCUSDT"}
_MAP = {"mark_price": 100_000.0, "is_stale": False, "source": "simulated"}
_SEEN = {"gap_log_sd": 0.25}


def sound(name: str) -> pl.DataFrame:
    """Return the sound partition of a table, conforming to its contract; KeyError if there is none."""
    contract = table(name)
    rows = _SOUND[name]()
    return contract.conform(pl.DataFrame(rows, schema={c: contract.schema[c] for c in rows[0]}, orient="row"))


def payloads() -> list[Row]:
    every = {"exchange": "binance", "date": DAY, "endpoint": "open_interest", "instrument": "BTCUSDT", "status": 200}
    every |= {"source": "simulated", "headers": "{}", "body": b"{}", "sha256": "44136fa3"}
    times = [HOUR, HOUR + ONE_HOUR]
    return [every | {"request": "GET /oi", "sent_at_utc": t, "received_at_utc": t + SECOND} for t in times]


def instruments() -> list[Row]:
    every = {"exchange": "binance", "coin": "BTC", "unit_multiplier": 1.0, "tick": 0.1, "trading_status": "trading"}
    every |= {"contract_base": None, "contract_usd": None, "valid_to_utc": None, "listed_utc": HOUR}
    linear = every | {"instrument": "BTCUSDT", "kind": "linear", "contract_base": 1.0}
    return [
        linear | {"valid_from_utc": HOUR, "valid_to_utc": HOUR + ONE_HOUR},
        linear | {"valid_from_utc": HOUR + ONE_HOUR, "tick": 0.01},
        every | {"instrument": "BTCUSD_PERP", "kind": "inverse", "contract_usd": 100.0, "valid_from_utc": HOUR},
    ]


def margin_tiers() -> list[Row]:
    every = {"exchange": "binance", "instrument": "BTCUSDT", "coin": "BTC", "valid_from_utc": HOUR, "bound_unit": "usd"}
    tiers = [
        (1, 0.0, 100.0, 0.004, 0.0, 125.0),
        (2, 100.0, 200.0, 0.005, 0.1, 100.0),
        (3, 200.0, 300.0, 0.01, 1.1, 50.0),
    ]
    names = ("tier", "tier_floor", "tier_cap", "maintenance_rate", "deduction", "max_leverage_x")
    return [every | {"tier_origin": "reported"} | dict(zip(names, t, strict=True)) for t in tiers]


def open_interest() -> list[Row]:
    every = _REPORTED | {"origin": "history", "reported": 8.0, "reported_unit": "base", "sides_counted": 1}
    every |= {"open_interest_base": 8.0, "open_interest_usd": 800_000.0, "mark_price": 100_000.0}
    return [every | {"time_utc": HOUR}, every | {"time_utc": HOUR + ONE_HOUR}]


def positioning() -> list[Row]:
    every = _REPORTED | {"long_account_share": 0.6, "top_long_account_share": 0.5, "top_long_position_share": 0.5}
    return [every | {"time_utc": t, "funding_rate": 0.0001} for t in (HOUR, HOUR + ONE_HOUR)]


def price_bars() -> list[Row]:
    every = _REPORTED | {"interval_minutes": 5, "open": 100.0, "high": 102.0, "low": 99.0, "close": 101.0}
    every |= {"price_kind": "mark", "volume_base": 10.0, "taker_buy_base": 6.0}
    return [every | {"open_utc": HOUR}, every | {"open_utc": HOUR + timedelta(minutes=5)}]


def realised_liquidations() -> list[Row]:
    every = _REPORTED | {"time_utc": HOUR, "side": "long", "completeness": "recent"}
    every |= {"price": 100.0, "size_base": 2.0, "notional_usd": 200.0}
    return [every | {"seq": 0}, every | {"seq": 1}]


def realised_coverage() -> list[Row]:
    every = _REPORTED | {"completeness": "recent"}
    return [every | {"hour_utc": HOUR}, every | {"hour_utc": HOUR + ONE_HOUR}]


def cascade_risk() -> list[Row]:
    law = {"impact_y": 1.0, "impact_y_low": 0.5, "impact_y_high": 2.0, "impact_is_fitted": False}
    every = _MODELLED | _MAP | law | {"daily_volatility": 0.03, "daily_volume_usd": 1e9}
    triggered = {"trigger_price": 99_000.0, "trigger_bp": 100.0, "exhaustion_price": 97_500.0, "exhaustion_bp": 250.0}
    triggered |= {"amplification": 2.5, "is_open_ended": False, "largest_ratio": 1.5, "largest_ratio_price": 98_500.0}
    quiet = dict.fromkeys(triggered) | {"is_open_ended": False, "largest_ratio": 0.5, "largest_ratio_price": 101_000.0}
    return [every | {"side": "long"} | triggered, every | {"side": "short"} | quiet]


def cascade_contagion() -> list[Row]:
    push = {"exchange": "binance", "cluster_id": "BTC-long-98000", "pushing_usd": 9e6, "reached_usd": 1e6}
    push |= {"side": "long", "pushed_from_price": 98_000.0, "pushed_to_price": 97_100.0}
    reached = [("binance", "BTC-long-97000"), ("okx", None)]
    names = ("reached_exchange", "reached_cluster_id")
    return [_MODELLED | _MAP | push | dict(zip(names, each, strict=True)) for each in reached]


def liquidation_clusters() -> list[Row]:
    every = _MODELLED | _MAP | {"intensity": 2.5, "intensity_z": 0.5}

    def cluster(side: str, rank: int, low: float, usd: float) -> Row:
        place = {"price_low": low, "price_high": low + 200, "price_peak": low + 50, "cluster_id": f"BTC-{side}-{low:g}"}
        return every | place | {"side": side, "rank": rank, "notional_usd": usd, "distance_bp": abs(low - 1e5) / 10}

    return [cluster("long", 1, 98_000, 9e6), cluster("long", 2, 97_000, 5e6), cluster("short", 1, 102_000, 7e6)]


def cluster_shares() -> list[Row]:
    every = _MODELLED | _MAP | {"side": "long", "rank": 1, "cluster_id": "BTC-long-98000"}
    return [
        every | {"exchange": name, "notional_usd": share * 9e6, "share": share}
        for name, share in (("binance", 0.75), ("okx", 0.25))
    ]


def cluster_history() -> list[Row]:
    def track(hour: int, birth: str, low: float, state: str, usd: float = 5e6, **ends: Any) -> Row:
        now = HOUR + hour * ONE_HOUR
        place = {"price_low": low, "price_high": low + 200, "price_peak": low + 50, "cluster_id": f"BTC-long-{low:g}"}
        name = f"BTC-long-20260105T{birth}"
        about = {"side": "long", "track_id": name, "born_utc": HOUR.replace(hour=int(birth[:2])), "hour_utc": now}
        size = {"notional_usd": usd, "intensity": 2.0, "distance_bp": 100.0, "born_usd": 5e6, "largest_usd": 9e6}
        seen = {"largest_utc": about["born_utc"], "seen_utc": now, "track_status": state}
        none = dict.fromkeys(("swept_utc", "swept_by_exchange", "predicted_usd", "realised_usd"))
        none |= dict.fromkeys(("realised_is_complete", "split_from_track_id", "merged_into_track_id"))
        return _MODELLED | _MAP | place | about | size | seen | none | ends

    swept = {"swept_utc": HOUR, "swept_by_exchange": "okx", "predicted_usd": 4e6, "seen_utc": HOUR}
    return [
        track(0, "01-2-3", 98_000, "active", born_usd=9e6),
        track(0, "01-5-6", 97_000, "active", 4e6),
        track(0, "01-8-9", 96_000, "active"),
        track(1, "01-2-3", 98_100, "active", 9e6),
        track(1, "01-5-6", 97_000, "swept", 4e6, **swept, realised_usd=3e6, realised_is_complete=False),
        track(1, "01-8-9", 96_000, "lost", seen_utc=HOUR),
        track(1, "02-4-4", 97_000, "active", split_from_track_id="BTC-long-20260105T01-5-6"),
        track(2, "01-2-3", 98_100, "merged", merged_into_track_id="BTC-long-20260105T02-4-4", seen_utc=HOUR + ONE_HOUR),
        track(6, "01-8-9", 96_000, "expired", seen_utc=HOUR),
    ]


def liquidation_curve() -> list[Row]:
    near_far = {"binance": (10.0, 30.0), "bybit": (5.0, 15.0), "all": (15.0, 45.0)}

    def point(exchange: str, side: str, distance: float, usd: float) -> Row:
        where = {"exchange": exchange, "side": side, "distance_bp": distance}
        windows = {f"cumulative_opened_{w}_usd": usd / 5 for w in ("1d", "7d", "30d")}
        price = 1e5 * (1 + (distance if side == "short" else -distance) / 1e4)
        sums = {"cumulative_usd": usd, "cumulative_p50_usd": usd}
        sums |= {"cumulative_p10_usd": usd / 2, "cumulative_p90_usd": usd * 2}
        return _MODELLED | _MAP | where | windows | sums | {"price": price}

    lines = [(e, s, pair) for e, pair in near_far.items() for s in ("long", "short")]
    return [point(e, s, d, usd) for e, s, pair in lines for d, usd in zip((50.0, 100.0), pair, strict=True)]


def liquidation_levels() -> list[Row]:
    def level(side: str, bucket: int, leverage: str) -> Row:
        edges = {
            "price_low": math.exp(bucket * math.log(1.001)),
            "price_high": math.exp((bucket + 1) * math.log(1.001)),
        }
        amounts = {"notional_usd": 8.0, "notional_1d_usd": 1.0, "notional_7d_usd": 2.0, "notional_30d_usd": 4.0}
        where = {"side": side, "price_bucket": bucket, "leverage_class": leverage}
        return _MODELLED | _POSITION | _MAP | _SEEN | edges | amounts | where

    return [level("long", 11500, "25x"), level("long", 11500, "10x"), level("short", 11530, "25x")]


def market_summary() -> list[Row]:
    below = {"max_pain_price": 91_000.0, "max_pain_usd": 9e6, "magnet_price": 98_000.0, "magnet_bp": 190.0}
    below |= {"magnet_intensity": 1.5, "void_low": 99_200.0, "void_high": 99_900.0, "trigger_price": 99_000.0}
    above = {"max_pain_price": 111_000.0, "max_pain_usd": 7e6, "void_low": 100_100.0, "void_high": 101_000.0}
    sides = {f"long_{k}": v for k, v in (below | {"amplification": 2.5}).items()}
    sides |= {f"short_{k}": None for k in (*below, "amplification")} | {f"short_{k}": v for k, v in above.items()}
    near = {"long_1pct_usd": 30.0, "short_1pct_usd": 10.0, "imbalance_1pct": 0.5}
    near |= {"long_2pct_usd": 30.0, "short_2pct_usd": 30.0, "imbalance_2pct": 0.0}
    near |= {"long_5pct_usd": 40.0, "short_5pct_usd": 120.0, "imbalance_5pct": -0.5}
    return [_MODELLED | _MAP | {"month": "2026-01"} | sides | near]


def market_balance() -> list[Row]:
    sides = [(100.0, 30.0, 10.0, 0.5), (200.0, 40.0, 40.0, 0.0)]
    names = ("distance_bp", "long_usd", "short_usd", "imbalance")
    return [_MODELLED | _MAP | dict(zip(names, s, strict=True)) for s in sides]


def model_parameters() -> list[Row]:
    every = {"version": "v1", "exchange": "binance", "side": "long", "basis": "prior", "valid_from_utc": HOUR}
    weight = every | {"parameter": "weight", "half_life_hours": 8.0}
    return [
        weight | {"leverage_x": 10.0, "value": 0.25},
        weight | {"leverage_x": 25.0, "value": 0.75},
        every | {"parameter": "log_sd", "leverage_x": 10.0, "half_life_hours": 0.0, "value": 0.5},
    ]


def state_cohorts() -> list[Row]:
    buckets = {"entry_bucket": 11500, "reached_bucket": 11495, "hour_began_bucket": 11505, "hour_reached_bucket": 11490}
    every = _STATE | _POSITION | buckets | {"activity_base": 2.0, "aged_hours": 4.0}
    return [every | {"side": side, "opened_utc": HOUR - 5 * ONE_HOUR} for side in ("long", "short")]


def position_ledger() -> list[Row]:
    flows = {"opening_base": 10.0, "opened_base": 3.0, "closed_base": 1.0, "liquidated_base": 2.0, "closing_base": 10.0}
    places = {"in_map_base": 6.0, "beyond_map_base": 3.0, "unliquidatable_base": 1.0, "open_interest_base": 10.0}
    hours = [{"hour_utc": HOUR}, {"hour_utc": HOUR + ONE_HOUR}]
    every = _MODELLED | _POSITION | _MAP | _SEEN | flows | places
    return [every | hour | {"side": side} for hour in hours for side in ("long", "short")]


def state_positions() -> list[Row]:
    every = _STATE | _POSITION | {"position_class": 2, "holding_class": 1, "mark_price": 1e5, "source": "simulated"}
    every |= {"activity_base": 8.0, "activity_1d_base": 1.0, "activity_7d_base": 2.0, "activity_30d_base": 4.0}
    every |= {"open_interest_base": 10.0, "closing_base": 10.0, "turnover_per_hour": 0.1}
    every |= {"turnover_hours": 30.0, "aged_hours": 90.0}
    return [every | {"side": "long", "price_bucket": 11500}, every | {"side": "short", "price_bucket": 11530}]


def calibration_exposure() -> list[Row]:
    every = _STATE | _POSITION | {"holding_class": 1, "exposure_usd": 5e5, "source": "simulated"}
    return [every | {"side": side, "position_class": 2} for side in ("long", "short")]


def sweeps() -> list[Row]:
    swept = {"liquidated_base": 2.0, "modelled_usd": 2.0 * math.sqrt(99_000.0 * 101_000.0)}
    every = _MODELLED | _POSITION | _MAP | swept | {"lowest_mark_price": 99_000.0, "highest_mark_price": 101_000.0}
    unknown = dict.fromkeys(("previous_mark_price", "predicted_usd", "realised_usd", "realised_count", "completeness"))
    known = {"hour_utc": HOUR + ONE_HOUR, "previous_mark_price": 100_000.0, "predicted_usd": 300_000.0}
    known |= {"realised_usd": 150_000.0, "realised_count": 3, "completeness": "recent"}
    return [every | hour | {"side": side} for hour in (unknown, known) for side in ("long", "short")]


def map_scores() -> list[Row]:
    every = _POSITION | {"coin": "BTC", "date": DAY, "scored_from_utc": HOUR, "scored_days": 7, "source": "simulated"}
    told = every | {
        "side": "long",
        "hours": 30,
        "rank_correlation": 0.8,
        "poisson_deviance": 1.5,
        "completeness": "recent",
    }
    told |= {"realised_usd": 9e6, "predicted_usd": 8e6, "scale": 1.1, "scale_hours": 28, "parameters_version": "v1"}
    names = ("rank_correlation", "poisson_deviance", "realised_usd", "predicted_usd", "scale", "completeness")
    unread = told | {"side": "short", "hours": 0, "scale_hours": 0} | dict.fromkeys(names)
    return [
        side | {"estimator": name} | ({"predicted_usd": None} if name == "range" else {})
        for side in (told, unread)
        for name in ESTIMATORS
    ]


def checks() -> list[Row]:
    every = {"date": DAY, "hour_utc": HOUR, "table_name": "price_bars", "partition": "coin=BTC", "severity": "FAIL"}
    passed = every | {"check_name": "types", "passed": True, "failing_rows": 0, "reason": ""}
    return [passed, every | {"check_name": "in_range", "passed": False, "failing_rows": 3, "reason": "low is -1"}]


def fetches() -> list[Row]:
    every = {"exchange": "binance", "date": DAY, "endpoint": "open_interest", "instrument": "BTCUSDT", "attempts": 1}
    every |= {"sent_at_utc": HOUR, "rows": 12, "bytes": 900, "elapsed_ms": 30, "window_start_utc": HOUR}
    failed = every | {"request": "GET /b", "outcome": "not_found", "status": 404, "reason": "no such symbol"}
    return [every | {"request": "GET /a", "outcome": "ok", "status": 200, "reason": ""}, failed]


def gaps() -> list[Row]:
    every = {"coin": "BTC", "date": DAY, "exchange": "okx", "instrument": "BTC-USDT-SWAP", "series": "open_interest"}
    every |= {"state": "missing", "reason": "no open interest is published for that hour"}
    return [every | {"hour_utc": HOUR}, every | {"hour_utc": HOUR + ONE_HOUR}]


def partitions() -> list[Row]:
    """Return a month built from two days, and the month before it."""
    every = {"table_name": "market_summary", "published_at_utc": HOUR, "content_digest": "0123456789abcdef" * 2}
    every |= {"partition": "coin=BTC month=2026-01", "built_from": '{"code": "0123456789abcdef"}'}
    earlier = {"partition": "coin=BTC month=2025-12", "built_day": date(2025, 12, 31)}
    return [every | earlier, every | {"built_day": DAY - timedelta(days=1)}, every | {"built_day": DAY}]


def runs() -> list[Row]:
    every = {
        "date": DAY,
        "started_at_utc": HOUR,
        "finished_at_utc": HOUR + SECOND,
        "coins": "BTC",
        "source": "simulated",
    }
    every |= {"first_hour_utc": HOUR, "last_hour_utc": HOUR, "exchanges": "binance", "run_status": "published"}
    every |= {"fetched": 9, "published": 4, "quarantined": 0, "reason": ""}
    return [every | {"run_id": "a"}, every | {"run_id": "b"}]


def watermark() -> list[Row]:
    return [{"hour_utc": HOUR, "source": "simulated"}]


_SOUND: dict[str, Callable[[], list[Row]]] = {
    f.__name__: f
    for f in (
        payloads, instruments, margin_tiers, open_interest, positioning, price_bars, realised_liquidations,
        realised_coverage, cascade_contagion, cascade_risk, cluster_history, market_summary, liquidation_clusters,
        cluster_shares, liquidation_curve, liquidation_levels, map_scores, market_balance, model_parameters,
        state_cohorts, position_ledger, state_positions, sweeps, calibration_exposure, checks, fetches, gaps,
        partitions, runs, watermark,
    )
}  # fmt: skip
