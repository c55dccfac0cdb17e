"""Tables on disk: atomic replacement of files, and errors that name an unusable file."""

from __future__ import annotations

import json
import os
import threading
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from expectations.contract import Table
from expectations.tables import load, table
from tests.expectations.sound import sound
from tests.warehouse.storage.bars import BARS, DAY, KEY, PATH, bars, files
from transforms.hourly.hours import HOUR
from warehouse.errors import UserError
from warehouse.storage.layout import label
from warehouse.storage.parquet import Footer
from warehouse.storage.store import SCHEMA_VERSION, Store, open_store

LEVELS, RUNS = map(table, ("liquidation_levels", "runs"))


def levels(hours: int, buckets: int = 2) -> pl.DataFrame:
    """Return levels of one leverage class of one exchange."""
    row = sound("liquidation_levels").head(1)
    midnight = datetime.combine(DAY, datetime.min.time())
    times = pl.select(hour_utc=pl.datetime_range(midnight, midnight + (hours - 1) * HOUR, "1h", time_unit="ms"))
    places = pl.select(price_bucket=pl.int_range(buckets, dtype=LEVELS.schema["price_bucket"]))
    return LEVELS.conform(row.drop("hour_utc", "price_bucket").join(times, how="cross").join(places, how="cross"))


class TestPartitions:
    @pytest.mark.parametrize("contract", load().values(), ids=lambda t: t.name)
    def test_every_table_round_trips(self, store: Store, contract: Table) -> None:
        frame = sound(contract.name)
        store.write_partitions(contract, frame)
        back = store.read(contract, store.keys(contract))
        assert back.schema == contract.schema
        assert contract.conform(back).equals(frame)

    def test_bytes_do_not_depend_on_row_order(self, store: Store) -> None:
        store.write_partitions(BARS, bars())
        once = store.path(BARS, KEY).read_bytes()
        store.write_partitions(BARS, bars().reverse())
        assert store.path(BARS, KEY).read_bytes() == once

    def test_file_order_overrides_grain_order(self, store: Store) -> None:
        assert LEVELS.file_order
        frame = levels(hours=3)
        assert not frame.equals(frame.sort(LEVELS.grain))
        store.write(LEVELS, frame, KEY)
        assert store.read(LEVELS, [KEY]).equals(frame)

    def test_file_in_another_encoding_is_readable(self, store: Store) -> None:
        frame = levels(hours=3)
        store.write(LEVELS, frame, KEY)
        path = store.path(LEVELS, KEY)
        as_now = path.read_bytes()
        frame.select(list(LEVELS.file_schema)).write_parquet(path)
        assert store.read(LEVELS, [KEY]).equals(frame)
        store.write(LEVELS, store.read(LEVELS, [KEY]), KEY)
        assert path.read_bytes() == as_now

    def test_footer_holds_content_digest_and_inputs(self, store: Store) -> None:
        content = store.write(BARS, bars(), KEY, {"2026-01-05": {"payloads": "a"}}, {"twin": "b"})
        assert store.footer(BARS, KEY) == Footer(content, {"2026-01-05": {"payloads": "a"}}, {"twin": "b"})
        assert store.write(BARS, bars(), KEY, {"2026-01-05": {"payloads": "other"}}) == content
        last = pl.int_range(pl.len()) == pl.len() - 1
        changed = bars().with_columns(pl.when(last).then(101.0).otherwise("close").alias("close"))
        assert store.write(BARS, changed, KEY) != content
        assert store.footer(BARS, {**KEY, "coin": "ETH"}) is None

    def test_foreign_file_has_an_empty_footer(self, store: Store) -> None:
        store.write(BARS, bars(), KEY)
        bars().select(list(BARS.file_schema)).write_parquet(store.path(BARS, KEY))
        assert store.footer(BARS, KEY) == Footer()

    def test_row_groups_separate_price_buckets(self, store: Store) -> None:
        store.write(LEVELS, levels(hours=24, buckets=12_000), KEY)
        about = pq.read_metadata(store.path(LEVELS, KEY))
        column = about.schema.names.index("price_bucket")
        of_groups = [about.row_group(i).column(column).statistics for i in range(about.num_row_groups)]
        assert len(of_groups) > 2
        assert all(before.max <= after.min for before, after in pairwise(of_groups))

    def test_doubles_are_byte_split_and_other_columns_use_dictionaries(self, store: Store) -> None:
        store.write(BARS, bars(), KEY)
        group = pq.read_metadata(store.path(BARS, KEY)).row_group(0)
        for column in map(group.column, range(group.num_columns)):
            is_double = BARS.schema[column.path_in_schema] == pl.Float64
            assert ("BYTE_STREAM_SPLIT" in column.encodings) == is_double
            assert column.has_dictionary_page != is_double

    def test_keys_are_filtered_and_sorted(self, store: Store) -> None:
        for coin in ("ETH", "BTC"):
            for day in (6, 5):
                store.write(BARS, bars(), {"coin": coin, "date": date(2026, 1, day)})
        assert [label(BARS, k) for k in store.keys(BARS, coin="BTC")] == [
            "coin=BTC/date=2026-01-05",
            "coin=BTC/date=2026-01-06",
        ]
        assert [k["coin"] for k in store.keys(BARS, date=date(2026, 1, 6))] == ["BTC", "ETH"]
        assert store.keys(RUNS) == []

    def test_missing_partition_reads_as_empty_frame(self, store: Store) -> None:
        assert store.read(BARS, [KEY]).schema == BARS.schema
        assert store.read(BARS, [KEY], ["close", "coin"]).columns == ["close", "coin"]
        store.write(BARS, bars(), KEY)
        assert store.read(BARS, [KEY], ["close", "coin"]).rows()[0] == (100.0, "BTC")

    def test_nonconforming_rows_are_not_written(self, store: Store) -> None:
        with pytest.raises(ValueError, match=r"core\.price_bars: missing columns \['close'\]"):
            store.write(BARS, bars().drop("close"), KEY)
        assert files(store.root) == {"warehouse.json"}

    def test_concurrent_reader_sees_whole_files(self, store: Store) -> None:
        store.write(BARS, bars(0.0), KEY)
        writer = threading.Thread(
            target=lambda: [store.write(BARS, bars(float(price), rows=12), KEY) for price in range(100)]
        )
        writer.start()
        try:
            while writer.is_alive():
                assert store.read(BARS, [KEY])["close"].n_unique() == 1
        finally:
            writer.join()
        assert files(store.root) == {"warehouse.json", PATH}

    @pytest.mark.parametrize("spoiled", [b"", b"PAR1", b"PAR1" + bytes(200) + b"PAR1", b"<html>"])
    def test_corrupt_file_is_named_with_remedy(self, store: Store, spoiled: bytes) -> None:
        store.write(BARS, bars(), KEY)
        store.path(BARS, KEY).write_bytes(spoiled)
        for look in (store.read, lambda table, keys: store.footer(table, keys[0])):
            with pytest.raises(UserError, match=rf"{PATH} cannot be read \(.*\); delete it; liq doctor") as told:
                look(BARS, [KEY])
            assert "\n" not in str(told.value)

    def test_file_with_wrong_types_is_named(self, store: Store) -> None:
        store.write(BARS, bars(), KEY)
        store.write(BARS, bars(day=date(2026, 1, 6)), KEY | {"date": date(2026, 1, 6)})
        bars().drop("coin", "date").cast({"close": pl.Float32}).write_parquet(store.path(BARS, KEY))
        with pytest.raises(UserError, match=rf"{PATH} cannot be read \(close is Float32, not Float64\)"):
            store.read(BARS, store.keys(BARS))

    def test_file_deleted_during_read_is_named(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = store.path(BARS, KEY)
        monkeypatch.setattr(Store, "find", lambda *_: gone)
        for look in (store.read, lambda table, keys: store.footer(table, keys[0])):
            with pytest.raises(UserError, match=rf"{PATH} was deleted while it was read; run the same command again"):
                look(BARS, [KEY])


class TestOpening:
    def test_warehouse_is_created_once_and_reopened(self, tmp_path: Path) -> None:
        root = tmp_path / "deep" / "warehouse"
        open_store(root, "recorded", create=True)
        assert open_store(root, "recorded", create=True) == open_store(root, "live", create=False) == Store(root)
        assert files(root) == {"warehouse.json"}

    def test_reading_does_not_create_a_warehouse(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"there is no warehouse at .*nowhere; create one with: liq run"):
            open_store(tmp_path / "nowhere", "simulated", create=False)
        assert not (tmp_path / "nowhere").exists()

    @pytest.mark.parametrize("schema", [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1])
    def test_other_schema_version_is_refused(self, store: Store, schema: int) -> None:
        (store.root / "warehouse.json").write_text(json.dumps({"schema": schema, "source": "simulated"}))
        for create in (True, False):
            with pytest.raises(
                UserError, match=f"has schema {schema}, this version writes {SCHEMA_VERSION}; keep its raw"
            ):
                open_store(store.root, "simulated", create=create)

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"schema": "x", "source": "live"}'])
    def test_damaged_marker_is_refused(self, store: Store, text: str) -> None:
        (store.root / "warehouse.json").write_text(text)
        with pytest.raises(UserError, match=r"warehouse\.json is damaged; restore it or start with an empty folder"):
            open_store(store.root, "simulated", create=True)

    def test_sources_are_not_mixed(self, store: Store) -> None:
        with pytest.raises(UserError, match="holds simulated data, not live; set LIQ_WAREHOUSE to another folder"):
            open_store(store.root, "live", create=True)

    def test_read_only_warehouse_opens_for_reading_only(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may write anywhere
        assert open_store(store.root, "simulated", create=False) == store
        with pytest.raises(UserError, match="is read-only; make it writable or set LIQ_WAREHOUSE"):
            open_store(store.root, "simulated", create=True)

    def test_uncreatable_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(UserError, match=r"cannot create a warehouse at .*: Not a directory; set LIQ_WAREHOUSE"):
            open_store(tmp_path / "file" / "warehouse", "simulated", create=True)
