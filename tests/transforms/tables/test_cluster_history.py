"""Tracks over many hours: hourly and bulk builds are equal, and the table's checks hold."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.tracks import FIRST, HOUR, Hours, frame, hours, inputs
from transforms.model.price_grid import edge, middle
from transforms.tables.cluster_history import TABLE, build


@settings(deadline=None, max_examples=25)
@given(hours())
def test_hourly_builds_equal_bulk_and_checks_hold(of: Hours) -> None:
    clusters, books, *core = inputs(of)
    bulk = build(clusters, books, *core)
    before, singly = TABLE.empty(), []
    for i in range(len(of)):
        own = pl.col("hour_utc") == FIRST + i * HOUR
        before = build(clusters.filter(own), books.filter(own), *core, cluster_history=before)
        singly.append(before)
    assert pl.concat(singly).equals(bulk)
    assert build(clusters.reverse(), books.reverse(), *(each.reverse() for each in core)).equals(bulk)
    broken = [check.name for check in TABLE.checks if not bulk.select(check.holds.all()).item()]
    assert broken == []


@settings(deadline=None, max_examples=25)
@given(hours())
def test_each_cluster_has_one_track_and_tracks_have_no_gaps(of: Hours) -> None:
    clusters, books, *core = inputs(of)
    made = build(clusters, books, *core)
    key = ["hour_utc", "side", "cluster_id"]
    assert made.filter(pl.col("track_status") == "active").select(key).sort(key).equals(clusters.select(key).sort(key))
    tracks = made.group_by("track_id").agg(
        hours=pl.len(), since=pl.col("hour_utc").min(), until=pl.col("hour_utc").max(),
        born=pl.col("born_utc").first(), ends=pl.col("track_status").is_in(["swept", "expired", "merged"]).sum(),
    )  # fmt: skip
    assert (tracks["since"] == tracks["born"]).all()
    assert ((tracks["until"] - tracks["since"]) == pl.Series([(n - 1) * HOUR for n in tracks["hours"]])).all()
    last = FIRST + (len(of) - 1) * HOUR
    assert tracks.filter((pl.col("until") < last) & (pl.col("ends") != 1)).is_empty()


@settings(deadline=None, max_examples=25)
@given(hours(), st.integers(0, 15))
def test_later_hours_do_not_change_earlier_ones(of: Hours, at: int) -> None:
    whole, part = (build(*inputs(some)) for some in (of, of[: at + 1]))
    assert whole.filter(pl.col("hour_utc") <= FIRST + at * HOUR).equals(part)


def test_track_lost_for_days_is_expired() -> None:
    clusters, books, bars, *realised = inputs([([(3, 4, 10)], (0, 0)), ([], (30, 0))])
    later = pl.when(pl.col("hour_utc") > FIRST).then(pl.col("hour_utc") + 120 * HOUR).otherwise("hour_utc")
    late_bars = bars.with_columns(
        open_utc=pl.col("open_utc") + pl.when(pl.col("low") < 99).then(120 * HOUR).otherwise(0 * HOUR)
    )
    for apart, state in ((books, "swept"), (books.with_columns(hour_utc=later), "expired")):
        made = build(clusters, apart, bars if state == "swept" else late_bars, *realised)
        longs = made.filter(side="long").sort("hour_utc")
        assert longs["track_status"].to_list() == ["active", state]
        assert longs["swept_utc"].is_null().to_list() == [True, state == "expired"]


def test_lower_price_wins_ties_below_one_dollar() -> None:
    """Buckets of prices below 1 USD are negative, so their names sort in reverse."""
    spans = [[(-1800, -1796), (-1790, -1786)], [(-1800, -1786)]]
    books = [{"hour_utc": FIRST + i * HOUR, "side": "long", "gap_log_sd": 0.0} for i in range(2)]
    found = [
        {"hour_utc": FIRST + i * HOUR, "side": "long", "rank": rank, "cluster_id": f"DOGE-long-{low}-{high}"}
        | {"price_low": float(edge(low)), "price_high": float(edge(high + 1)), "price_peak": float(middle(low))}
        for i, of_hour in enumerate(spans)
        for rank, (low, high) in enumerate(of_hour, start=1)
    ]
    nothing = (frame(name, []) for name in ("price_bars", "realised_liquidations", "realised_coverage"))
    made = build(frame("liquidation_clusters", found), frame("position_ledger", books), *nothing)
    ended = made.filter(hour_utc=FIRST + HOUR).select("track_id", "track_status").rows()
    assert sorted((name[-11:], state) for name, state in ended) == [
        ("-1790--1786", "merged"),
        ("-1800--1796", "active"),
    ]
