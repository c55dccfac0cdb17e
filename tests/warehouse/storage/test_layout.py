"""Paths of partitions."""

from __future__ import annotations

from pathlib import Path

from expectations.tables import table
from tests.warehouse.storage.bars import BARS, KEY, PATH
from warehouse.storage.layout import key_of, label, path_of

WATERMARK = table("watermark")


def test_a_label_and_its_key() -> None:
    assert label(BARS, KEY) == "coin=BTC/date=2026-01-05"
    assert key_of(BARS, label(BARS, KEY)) == KEY
    assert (label(WATERMARK, {}), key_of(WATERMARK, "")) == ("", {})


def test_a_partition_is_a_file_in_folders_of_its_columns() -> None:
    assert path_of(Path("w"), BARS, KEY) == Path("w") / PATH
    assert path_of(Path("w"), WATERMARK, {}) == Path("w/ops/watermark/data.parquet")
