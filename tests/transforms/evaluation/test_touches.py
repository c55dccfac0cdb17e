"""Levels near the mark: membership in clusters, distance, and hits by the mark."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from transforms.evaluation.touches import touches

FIRST, HOUR = datetime(2026, 1, 5), timedelta(hours=1)
NOW = FIRST + 30 * HOUR
LENGTH = 60


def hours(**changed: dict[int, object]) -> pl.DataFrame:
    """Return hours with a mark of 100 and 101 in turn, from 99 to 101.5; `changed`: values by column and hour."""
    rows = [
        {"hour_utc": FIRST + i * HOUR, "mark_price": 100.0 * 1.01 ** (i % 2), "lowest": 99.0, "highest": 101.5}
        | {"is_stale": False}
        | {column: values[i] for column, values in changed.items() if i in values}
        for i in range(LENGTH)
    ]
    return pl.DataFrame(rows)


CLUSTERS = pl.DataFrame(
    [(NOW, "long", 98.0, 98.5), (NOW, "short", 101.0, 102.0), (NOW, "short", 106.0, 107.0)],
    schema=["hour_utc", "side", "price_low", "price_high"], orient="row",
)  # fmt: skip
LEVELS = pl.DataFrame(
    [(NOW, "long", low, low + 0.25) for low in (99.75, 99.0, 98.25, 98.0, 97.75, 94.0)]
    + [(NOW, "short", low, low + 0.25) for low in (100.0, 100.5, 101.0, 101.75, 102.0)],
    schema=CLUSTERS.schema, orient="row",
)  # fmt: skip


def test_a_cluster_is_one_row_and_so_is_each_other_level() -> None:
    made = touches(hours(), CLUSTERS, LEVELS)
    assert set(made["hour_utc"]) == {NOW}
    found, others = (
        made.filter(is_cluster=which).with_columns(pl.col("distance_bp").round(6)).select("side", "distance_bp").rows()
        for which in (True, False)
    )
    assert found == [("long", 150.0), ("short", 100.0)]  # the third is farther than 5 %
    assert others == [("long", 75.0), ("long", 200.0), ("short", 50.0), ("short", 200.0)]
    assert made["move_bp"].unique().to_list() == pytest.approx([99.503], rel=1e-4)


def test_a_hit_is_at_the_nearer_edge_and_in_later_hours_only() -> None:
    later = {"lowest": {30: 90.0, 31: 98.5, 35: 97.0}, "highest": {34: 102.0}}
    made = touches(hours(**later), CLUSTERS, LEVELS)
    hits = {
        (row["side"], round(row["distance_bp"])): [row[f"reached_{n}h"] for n in (1, 4, 24)]
        for row in made.iter_rows(named=True)
    }
    assert hits[("long", 150)] == [True, True, True]  # 98.5 in the hour after
    assert hits[("long", 200)] == [False, False, True]  # 97.0 in the fifth
    assert hits[("short", 200)] == [False, True, True]  # 102.0 in the fourth


def test_missing_hours_ahead_give_null() -> None:
    lacking = touches(hours(lowest={33: None}, highest={33: None}), CLUSTERS, LEVELS)
    assert lacking["reached_1h"].null_count() == 0
    assert lacking["reached_4h"].null_count() == lacking["reached_24h"].null_count() == lacking.height
    absent = touches(hours().filter(pl.col("hour_utc") != FIRST + 33 * HOUR), CLUSTERS, LEVELS)
    assert absent.equals(lacking)
    ends = touches(hours().filter(pl.col("hour_utc") <= NOW + 23 * HOUR), CLUSTERS, LEVELS)
    assert ends["reached_24h"].null_count() == ends.height
    assert ends["reached_4h"].null_count() == 0


def test_stale_hours_and_hours_without_a_day_before_them_are_left_out() -> None:
    assert touches(hours(is_stale={30: True}), CLUSTERS, LEVELS).is_empty()
    assert touches(hours().filter(pl.col("hour_utc") > FIRST + 6 * HOUR), CLUSTERS, LEVELS).is_empty()
    assert touches(hours().clear(), CLUSTERS, LEVELS).is_empty()


def test_only_the_outcomes_depend_on_the_future() -> None:
    other = {i: 100.0 + i for i in range(31, LENGTH)}
    one, two = (touches(h, CLUSTERS, LEVELS) for h in (hours(), hours(mark_price=other, lowest=other)))
    outcomes = [f"reached_{n}h" for n in (1, 4, 24)]
    assert one.drop(outcomes).equals(two.drop(outcomes))
    assert not one.equals(two)
