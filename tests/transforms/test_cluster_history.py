"""Lives over many hours: hour by hour and in bulk are the same, whatever comes, and what the checks ask holds."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.lives import FIRST, HOUR, Hours, hours, inputs
from transforms.tables.cluster_history import TABLE, build


@settings(deadline=None, max_examples=25)
@given(hours())
def test_hour_by_hour_is_in_bulk_and_the_checks_hold(of: Hours) -> None:
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
def test_each_cluster_is_one_life_and_nothing_is_lost(of: Hours) -> None:
    clusters, books, *core = inputs(of)
    made = build(clusters, books, *core)
    key = ["hour_utc", "side", "cluster_id"]
    assert made.filter(pl.col("life_state") == "standing").select(key).sort(key).equals(clusters.select(key).sort(key))
    lives = made.group_by("life_id").agg(
        hours=pl.len(), since=pl.col("hour_utc").min(), until=pl.col("hour_utc").max(),
        born=pl.col("born_utc").first(), ends=pl.col("life_state").is_in(["swept", "faded", "merged"]).sum(),
    )  # fmt: skip
    assert (lives["since"] == lives["born"]).all()
    assert ((lives["until"] - lives["since"]) == pl.Series([(n - 1) * HOUR for n in lives["hours"]])).all()
    last = FIRST + (len(of) - 1) * HOUR
    assert lives.filter((pl.col("until") < last) & (pl.col("ends") != 1)).is_empty()


@settings(deadline=None, max_examples=25)
@given(hours(), st.integers(0, 15))
def test_what_comes_later_changes_nothing(of: Hours, at: int) -> None:
    whole, part = (build(*inputs(some)) for some in (of, of[: at + 1]))
    assert whole.filter(pl.col("hour_utc") <= FIRST + at * HOUR).equals(part)
