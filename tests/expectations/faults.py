"""Planted faults: for every check a fault that trips it and no check that it does not name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from expectations.contract import Table
from expectations.validation.rules import Rule, rules
from tests.expectations.sound import HOUR, ONE_HOUR

Breaks = Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Fault:
    """A change to a sound partition, the check that it must trip, and other checks that it necessarily trips."""

    check: str
    breaks: Breaks
    also: frozenset[str] = frozenset()
    what: str = ""


def put(where: int | pl.Expr = 0, **values: Any) -> Breaks:
    """Return a fault that sets values in the row at a position, or in the rows that meet a condition."""

    def breaks(frame: pl.DataFrame) -> pl.DataFrame:
        hit = pl.int_range(pl.len()) == where if isinstance(where, int) else where
        new = {c: v if isinstance(v, pl.Expr) else pl.lit(v, dtype=frame.schema[c]) for c, v in values.items()}
        return frame.with_columns(pl.when(hit).then(v).otherwise(pl.col(c)).alias(c) for c, v in new.items())

    return breaks


def everywhere(**values: Any) -> Breaks:
    return put(pl.lit(True), **values)


def derived(table: Table) -> Iterator[Fault]:
    """Yield faults of the checks implied by columns and grain, one for each column that could break them."""
    also = GRAIN_ALSO.get(table.name, frozenset[str]())
    yield Fault("grain_is_unique", lambda f: pl.concat([f, f.head(1)]), also, "twice")
    for rule in rules(table):
        for column, value in _bad_values(table, rule):
            # A partition column has the same value in all rows.
            breaks = everywhere if column in table.partition else put
            also = frozenset(r.check for r in rules(table) if column in r.columns) - {rule.check}
            yield Fault(rule.check, breaks(**{column: value}), also, f"{column}={value}")
        if rule.check == "date_matches_time":
            yield Fault(rule.check, everywhere(date=pl.col("date") + timedelta(days=1)), what="another day")


def _bad_values(table: Table, rule: Rule) -> Iterator[tuple[str, Any]]:
    match rule.check:
        case "not_null":
            yield rule.columns[0], None
        case "allowed_values" | "matches_pattern":
            yield rule.columns[0], "?"
        case "finite":
            yield from ((column, float("nan")) for column in rule.columns)
            yield rule.columns[0], float("inf")
        case "in_range":
            column = table.column(rule.columns[0])
            if column.minimum is not None:
                yield column.name, column.minimum - 1
            if column.maximum is not None:
                yield column.name, column.maximum + 1


# A duplicate row also breaks these checks, which count or sum rows.
GRAIN_ALSO = {
    "watermark": frozenset({"one_row"}),
    "model_parameters": frozenset[str](),
    "liquidation_curve": frozenset({"exchanges_add_up"}),
    "margin_tiers": frozenset({"bounds_rise"}),
    "map_scores": frozenset({"same_hours_for_every_estimator"}),
    "instruments": frozenset({"versions_do_not_overlap"}),
    "cluster_shares": frozenset({"shares_add_up_to_one", "share_matches_notional"}),
    "cluster_history": frozenset({"one_active_track_per_cluster", "open_tracks_do_not_overlap"}),
}

_STILL = {"liquidated_base": 0.0, "modelled_usd": 0.0}
_FAR = (pl.col("side") == "long") & (pl.col("distance_bp") == 100)
_SECOND_HOUR = pl.col("hour_utc") > HOUR
_TRACK = pl.col("track_status")
_RANGE = (pl.col("estimator") == "range") & (pl.col("hours") > 0)


def _modelled(usd: float) -> dict[str, float]:
    return {"cumulative_usd": usd, "cumulative_p10_usd": usd, "cumulative_p50_usd": usd, "cumulative_p90_usd": usd}


def _carried_all_day(frame: pl.DataFrame) -> pl.DataFrame:
    midnight = HOUR - ONE_HOUR
    hours = pl.DataFrame(
        {"hour_utc": [midnight + h * ONE_HOUR for h in range(24)]}, schema={"hour_utc": pl.Datetime("ms")}
    )
    stale = frame.drop("hour_utc").with_columns(is_stale=True)
    return hours.join(stale, how="cross").select(frame.columns)


def _merged_again(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a track's end row again, an hour after it ended."""
    last = frame.filter(_TRACK == "merged")
    return last.with_columns(hour_utc=pl.col("hour_utc") + ONE_HOUR)


OWN: dict[str, list[Fault]] = {
    "payloads": [Fault("sent_before_received", put(sent_at_utc=HOUR + timedelta(minutes=1)))],
    "instruments": [
        Fault("contract_has_size", put(pl.col("kind") == "linear", contract_base=None), what="linear, no coins"),
        Fault("contract_has_size", put(pl.col("kind") == "inverse", contract_usd=0.0), what="inverse, no dollars"),
        Fault("versions_do_not_overlap", put(pl.col("valid_to_utc").is_not_null(), valid_to_utc=HOUR + 2 * ONE_HOUR)),
    ],
    "margin_tiers": [
        Fault("floor_below_cap", put(2, tier_cap=200.0)),
        Fault("rates_rise", put(2, maintenance_rate=0.001)),
        Fault("bounds_rise", put(2, tier_floor=100.0)),
    ],
    "open_interest": [
        Fault(
            "value_within_10pct_of_mark",
            put(open_interest_usd=1_600_000.0),
            frozenset({"value_within_2pct_of_mark"}),
        ),
        Fault("value_within_2pct_of_mark", put(open_interest_usd=840_000.0)),
    ],
    "positioning": [
        Fault(
            "has_a_reading",
            put(long_account_share=None, top_long_account_share=None, top_long_position_share=None, funding_rate=None),
        )
    ],
    "price_bars": [
        Fault("prices_are_positive", put(low=0.0)),
        Fault("high_and_low_bound_the_bar", put(high=100.5), what="high below the close"),
        Fault("high_and_low_bound_the_bar", put(low=100.5), what="low above the open"),
        Fault("taker_buys_within_volume", put(taker_buy_base=10.1)),
    ],
    "realised_liquidations": [
        Fault("size_is_positive", put(size_base=0.0, notional_usd=0.0), frozenset({"notional_matches_price"})),
        Fault("notional_matches_price", put(notional_usd=2.0)),
    ],
    "realised_coverage": [Fault("full_hours", put(hour_utc=HOUR + timedelta(minutes=5)))],
    "cluster_shares": [
        Fault("shares_add_up_to_one", put(share=0.5), frozenset({"share_matches_notional"})),
        Fault("share_matches_notional", put(notional_usd=9e6)),
    ],
    "cascade_contagion": [
        Fault("pushed_away_from_the_mark", everywhere(pushed_to_price=98_900.0), what="longs push up"),
        Fault("pushed_away_from_the_mark", everywhere(pushed_to_price=0.0), what="through zero"),
        Fault("one_push_per_exchange", put(pushing_usd=8e6)),
        Fault("pushing_usd_is_positive", everywhere(pushing_usd=0.0)),
        Fault("reached_cluster_differs", put(reached_cluster_id="BTC-long-98000")),
    ],
    "cascade_risk": [
        Fault("trigger_matches_ratio", put(largest_ratio=0.9), what="a trigger below 1"),
        Fault("trigger_matches_ratio", put(1, largest_ratio=1.1), what="1.1, and no trigger"),
        Fault(
            "exhaustion_is_beyond_the_trigger",
            put(exhaustion_price=99_500.0, exhaustion_bp=50.0, amplification=1.0),
            what="nearer than the trigger",
        ),
        Fault("exhaustion_is_beyond_the_trigger", put(amplification=2.0), what="another amplification"),
        Fault("exhaustion_is_beyond_the_trigger", put(1, is_open_ended=True), what="open, and no trigger"),
        Fault("prices_match_distances", put(trigger_price=101_000.0), what="on the other side"),
        Fault("prices_match_distances", put(exhaustion_price=None), what="a distance, and no price"),
        Fault("impact_y_within_its_range", put(impact_y_low=0.0), what="may be zero"),
        Fault("impact_y_within_its_range", put(impact_y=2.5), what="above its range"),
        Fault("ratio_needs_volatility_and_volume", put(daily_volume_usd=None), what="no volume"),
        Fault("ratio_needs_volatility_and_volume", put(1, largest_ratio_price=None), what="a ratio that is nowhere"),
    ],
    "market_summary": [
        Fault("month_and_date_match_hour", everywhere(month="2026-02"), what="another month"),
        Fault("month_and_date_match_hour", put(date=pl.col("date") + timedelta(days=1)), what="another day"),
        Fault("longs_below_shorts_above_the_mark", put(long_max_pain_price=100_200.0), what="long above"),
        Fault("longs_below_shorts_above_the_mark", put(short_void_low=99_800.0), what="short below"),
        Fault("price_and_amount_together", put(long_magnet_bp=None)),
        Fault("void_low_below_high", put(long_void_high=99_200.0)),
        Fault("imbalances_match_sides", put(imbalance_2pct=0.1), what="another ratio"),
        Fault("imbalances_match_sides", put(imbalance_5pct=None), what="null though both sides stand"),
        Fault("grows_with_distance", put(long_1pct_usd=40.0, short_1pct_usd=40.0, imbalance_1pct=0.0)),
    ],
    "liquidation_clusters": [
        Fault("peak_within_cluster", put(price_peak=98_201.0)),
        Fault("ranked_by_notional", put(pl.col("rank") == 2, notional_usd=10e6)),
        Fault("exceeds_neighbours", put(intensity=1.0)),
        Fault("on_its_side_of_the_mark", put(price_low=100_100.0, price_peak=100_150.0, price_high=100_200.0)),
    ],
    "cluster_history": [
        Fault("peak_within_cluster", put(price_peak=98_201.0)),
        Fault("track_id_matches_birth", put(born_utc=HOUR - ONE_HOUR, largest_utc=HOUR)),
        Fault("one_active_track_per_cluster", put(0, cluster_id="BTC-long-97000")),
        Fault("open_tracks_do_not_overlap", put(0, price_low=97_100.0)),
        Fault("no_rows_after_end", lambda f: pl.concat([f, _merged_again(f)]), what="merged twice"),
        Fault("seen_time_matches_status", put(0, hour_utc=HOUR - ONE_HOUR), what="seen in the future"),
        Fault("seen_time_matches_status", put(_TRACK == "lost", seen_utc=HOUR + ONE_HOUR), what="unseen though seen"),
        Fault("seen_time_matches_status", put(_TRACK == "expired", seen_utc=HOUR + ONE_HOUR), what="faded too soon"),
        Fault("largest_within_track", put(0, notional_usd=9.1e6), what="less than it holds"),
        Fault("largest_within_track", put(0, largest_utc=HOUR + ONE_HOUR), what="later than it was seen"),
        Fault("end_columns_match_status", put(0, swept_by_exchange="okx"), what="swept though it stands"),
        Fault(
            "end_columns_match_status",
            put(_TRACK == "swept", predicted_usd=None),
            what="swept without what was predicted",
        ),
        Fault(
            "end_columns_match_status", put(_TRACK == "merged", merged_into_track_id=None), what="merged into nobody"
        ),
        Fault("swept_within_its_hour", put(_TRACK == "swept", swept_utc=HOUR + ONE_HOUR)),
        Fault("realised_only_for_sweeps", put(_TRACK == "swept", realised_usd=None), what="unknown though read"),
        Fault(
            "realised_only_for_sweeps", put(0, realised_usd=1.0, realised_is_complete=True), what="of one that stands"
        ),
        Fault("no_track_refers_to_itself", put(0, split_from_track_id=pl.col("track_id")), what="split"),
        Fault("no_track_refers_to_itself", put(_TRACK == "merged", merged_into_track_id=pl.col("track_id"))),
    ],
    "liquidation_curve": [
        Fault(
            "rises_outward",
            lambda f: put(_FAR & (pl.col("exchange") == "all"), **_modelled(20.0))(
                put(_FAR & (pl.col("exchange") == "binance"), **_modelled(5.0))(f)
            ),
        ),
        Fault("exchanges_add_up", put(_FAR & (pl.col("exchange") == "all"), **_modelled(46.0))),
        Fault("exchanges_add_up", lambda f: f.filter(pl.col("exchange") != "all"), what="no row for all"),
        Fault("percentiles_in_order", put(cumulative_p10_usd=46.0), what="tenth above the median"),
        Fault("percentiles_in_order", put(cumulative_p90_usd=1.0), what="ninetieth below the median"),
        Fault("median_equals_cumulative", put(cumulative_p50_usd=pl.col("cumulative_usd") * 1.001)),
    ],
    "liquidation_levels": [
        Fault("longs_below_shorts_above_the_mark", put(side="short")),
        Fault("bucket_matches_price", put(price_bucket=11_400)),
        Fault("windows_nest", put(notional_1d_usd=3.0), what="day above week"),
        Fault("windows_nest", put(notional_30d_usd=9.0), what="month above all"),
        Fault("not_stale_all_day", _carried_all_day),
    ],
    "market_balance": [
        Fault("imbalance_matches_sides", put(imbalance=-0.5), what="wrong sign"),
        Fault("imbalance_matches_sides", put(imbalance=None), what="null though both sides stand"),
        Fault("grows_with_distance", put(1, long_usd=20.0, short_usd=60.0, imbalance=-0.5)),
    ],
    "model_parameters": [
        Fault("weights_are_positive", put(pl.col("leverage_x") == 10, value=0.0)),
        Fault("versions_are_complete", put(pl.col("value") > 0, parameter="weight"), what="no uncertainty"),
        Fault("versions_are_complete", put(pl.col("value") > 0, parameter="log_sd"), what="no weights"),
        Fault("one_version_per_start", lambda f: pl.concat([f, f.with_columns(version=pl.lit("v2"))])),
    ],
    "state_cohorts": [
        Fault("opened_within_30_days", put(opened_utc=HOUR - 720 * ONE_HOUR), what="too old"),
        Fault("opened_within_30_days", put(opened_utc=HOUR + ONE_HOUR), what="in the future"),
    ],
    "position_ledger": [
        Fault("ledger_balances", put(opened_base=4.0)),
        Fault("closing_is_fully_located", put(in_map_base=7.0)),
        Fault("closing_equals_open_interest", put(open_interest_base=11.0)),
        Fault("closing_equals_open_interest", put(open_interest_base=None), what="unknown though not stale"),
        Fault(
            "sides_are_equal",
            put(3, opened_base=4.0, closing_base=11.0, in_map_base=7.0, open_interest_base=11.0),
            what="more shorts",
        ),
        Fault("sides_are_equal", lambda f: f.head(3), what="no shorts"),
        Fault("opening_equals_previous_closing", put(_SECOND_HOUR, opening_base=11.0, closed_base=2.0)),
    ],
    "state_positions": [
        Fault("windows_nest", put(activity_7d_base=5.0), what="week above month"),
        Fault("one_hour_per_partition", put(1, hour_utc=HOUR + ONE_HOUR)),
    ],
    "calibration_exposure": [Fault("position_class_is_positive", put(0, position_class=0))],
    "sweeps": [
        Fault("mark_within_hour_range", put(_SECOND_HOUR, mark_price=101_001.0), what="above the highest"),
        Fault("mark_within_hour_range", put(_SECOND_HOUR, mark_price=98_999.0), what="below the lowest"),
        Fault("previous_mark_is_continuous", put(_SECOND_HOUR, previous_mark_price=100_100.0)),
        Fault("previous_mark_is_continuous", put(2, previous_mark_price=None, predicted_usd=None), what="nowhere"),
        Fault("predicted_only_in_crossed_range", put(2, predicted_usd=None), what="unknown though the map was there"),
        Fault("predicted_only_in_crossed_range", put(0, predicted_usd=1.0), what="known though no map was there"),
        Fault("predicted_only_in_crossed_range", put(2, lowest_mark_price=100_100.0, mark_price=100_500.0, **_STILL)),
        Fault("predicted_only_in_crossed_range", put(3, highest_mark_price=99_900.0, mark_price=99_500.0, **_STILL)),
        Fault("modelled_usd_matches_marks", put(modelled_usd=200_000.0)),
        Fault("modelled_usd_matches_marks", put(lowest_mark_price=None, highest_mark_price=None), what="at no mark"),
        Fault("null_only_without_coverage", put(0, realised_usd=0.0, realised_count=0), what="quiet though unread"),
        Fault("null_only_without_coverage", put(2, realised_usd=None, realised_count=None), what="unknown though read"),
        Fault("null_only_without_coverage", put(2, realised_usd=0.0), what="events without dollars"),
        Fault("null_only_without_coverage", put(2, realised_count=0), what="dollars without events"),
        Fault("realised_only_if_mark_moved", put(2, lowest_mark_price=1e5, highest_mark_price=1e5, **_STILL)),
    ],
    "map_scores": [
        Fault("same_hours_for_every_estimator", lambda f: f.filter(pl.col("estimator") != "ladder"), what="one lacks"),
        Fault("same_hours_for_every_estimator", put(0, hours=29), what="on fewer hours"),
        Fault("same_hours_for_every_estimator", put(0, scale_hours=27), what="scaled by fewer hours"),
        Fault("same_hours_for_every_estimator", put(0, realised_usd=1.0), what="against other dollars"),
        Fault("null_only_without_coverage", put(pl.col("hours") == 0, realised_usd=0.0), what="quiet though unread"),
        Fault(
            "null_only_without_coverage", put(pl.col("hours") == 0, completeness="recent"), what="told though unread"
        ),
        Fault("null_only_without_coverage", put(0, predicted_usd=None), what="nothing predicted though read"),
        Fault("null_only_without_coverage", put(_RANGE, predicted_usd=1.0), what="a range has no dollars"),
        Fault("hours_within_window", put(pl.col("hours") > 0, hours=169)),
        Fault("at_least_24_hours", put(pl.col("hours") > 0, hours=23), what="a correlation"),
        Fault("at_least_24_hours", put(pl.col("scale_hours") > 0, scale_hours=23), what="a scale"),
        Fault("deviance_needs_scale", put(0, scale=None), what="not scaled"),
        Fault("deviance_needs_scale", put(pl.col("hours") > 0, realised_usd=0.0), what="for each of no dollars"),
    ],
    "checks": [Fault("failures_have_reason", put(pl.col("passed").not_(), reason=""))],
    "fetches": [Fault("failures_have_reason", put(pl.col("outcome") != "ok", reason=""))],
    "gaps": [Fault("has_reason", put(reason=""))],
    "partitions": [Fault("has_provenance", put(built_from="{}"))],
    "runs": [
        Fault("ends_after_it_starts", put(finished_at_utc=HOUR - ONE_HOUR)),
        Fault("hours_in_order", put(last_hour_utc=HOUR - ONE_HOUR)),
    ],
    "watermark": [Fault("one_row", lambda f: pl.concat([f, put(hour_utc=HOUR + ONE_HOUR)(f)]))],
}
