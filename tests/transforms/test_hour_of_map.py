"""Leverage classes added up: the same dollars in fewer rows."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from tests.warehouse.conftest import levels
from transforms.hour_of_map import abouts, by_bucket
from transforms.tables.liquidation_clusters import build, outline

HOUR = datetime(2026, 1, 11, 23)


def with_classes() -> pl.DataFrame:
    one = levels(HOUR).with_columns(pl.col("notional_usd").round())
    both = [one, one.with_columns(pl.lit("25x").alias("leverage_class"), pl.col("notional_usd") * 2)]
    return pl.concat(both).sort("hour_utc", "exchange", "instrument", "side", "price_bucket", "leverage_class")


def test_a_bucket_has_one_row_with_all_its_dollars() -> None:
    whole = with_classes()
    standing = by_bucket(whole)
    keys = ["exchange", "side", "price_bucket"]
    assert standing.height == whole.height // 2
    assert standing.select(keys).is_unique().all()
    expected = whole.group_by(keys).agg(pl.col("notional_usd").sum())
    assert standing.select(*keys, "notional_usd").sort(keys).equals(expected.sort(keys))


def test_what_is_made_of_it_is_the_same() -> None:
    whole, standing = with_classes(), by_bucket(with_classes())
    assert abouts(standing) == abouts(whole)
    assert outline(standing).equals(outline(whole))
    assert build(standing, coin="BTC", hours=[HOUR]).equals(build(whole, coin="BTC", hours=[HOUR]))
