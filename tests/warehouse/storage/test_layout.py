"""Paths of partitions."""

from __future__ import annotations

from pathlib import Path

from expectations.tables import table
from tests.warehouse.storage.bars import BARS, KEY, PATH
from warehouse.storage.layout import key_of, label, path_of

WATERMARK = table("watermark")


def test_label_and_key_round_trip() -> None:
    assert label(BARS, KEY) == "coin=BTC/date=2026-01-05"
    assert key_of(BARS, label(BARS, KEY)) == KEY
    assert (label(WATERMARK, {}), key_of(WATERMARK, "")) == ("", {})


def test_partition_path_names_its_columns() -> None:
    assert path_of(Path("w"), BARS, KEY) == Path("w") / PATH
    assert path_of(Path("w"), WATERMARK, {}) == Path("w/ops/watermark/data.parquet")
