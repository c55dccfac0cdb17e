"""Quarantine: the last good partition stays published, and a new good one ends the quarantine."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from tests.warehouse.storage.bars import BARS, DAY, KEY, bars
from warehouse.storage import quarantine
from warehouse.storage.layout import FILE
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store


def test_quarantine_keeps_the_last_good_partition(store: Store, stage: Stage) -> None:
    store.write(BARS, bars(1.0), KEY)
    stage.store.write(BARS, bars(2.0), KEY)
    held = stage.quarantine(BARS, KEY, "too dear")
    assert stage.publish().total() == 0
    assert store.read(BARS, [KEY])["close"][0] == 1.0
    assert (held / "reason.txt").read_text() == "too dear\n"
    assert pl.read_parquet(held / FILE, hive_partitioning=False)["close"][0] == 2.0


@pytest.mark.parametrize("price", [1.0, 3.0], ids=["as published", "new"])
def test_good_partition_ends_quarantine(store: Store, stage: Stage, price: float) -> None:
    store.write(BARS, bars(1.0), KEY)
    stage.store.write(BARS, bars(2.0), KEY)
    held = stage.quarantine(BARS, KEY, "too dear")
    stage.store.write(BARS, bars(price), KEY)
    stage.publish()
    assert not held.exists()
    assert store.read(BARS, [KEY])["close"][0] == price


def test_quarantined_partitions_list_their_reasons(store: Store) -> None:
    assert list(quarantine.reasons(store.root)) == []
    stage = Stage(store, "run")
    for day, why in ((date(2026, 1, 6), "too dear"), (DAY, "torn")):
        key = {"coin": "BTC", "date": day}
        stage.store.write(BARS, bars(day=day), key)
        stage.quarantine(BARS, key, why)
    assert list(quarantine.reasons(store.root)) == [
        ("core/price_bars/coin=BTC/date=2026-01-05", "torn"),
        ("core/price_bars/coin=BTC/date=2026-01-06", "too dear"),
    ]
    assert store.quarantined(BARS, KEY)
    assert quarantine.holds_core_of(store.root, DAY)
    assert not quarantine.holds_core_of(store.root, date(2026, 1, 7))
