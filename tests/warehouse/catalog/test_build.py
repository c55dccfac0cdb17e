"""The DuckDB catalog: a typed and commented view of every table, up to the watermark."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest

from expectations.contract import Table
from expectations.dictionary import column_comments, comment
from expectations.tables import load, table
from tests.expectations.sound import sound
from transforms.hourly.hours import HOUR
from warehouse.catalog import build as catalog
from warehouse.errors import UserError
from warehouse.storage.store import Store, open_store

BALANCE, WATERMARK = table("market_balance"), table("watermark")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "ware house", "simulated", create=True)


def test_empty_warehouse_has_every_view(store: Store) -> None:
    catalog.build(store.root)
    with catalog.connect(store.root) as connection:
        for contract in load().values():
            rows = connection.sql(f"SELECT * FROM {contract.full_name}").pl()
            assert rows.height == 0
            assert rows.columns == contract.schema.names()


def test_every_view_and_column_has_a_comment_also_for_older_tools(store: Store) -> None:
    path = catalog.build(store.root)
    former = {
        t.former_name: f"former name of {t.full_name}, kept for one version" for t in load().values() if t.former_name
    }
    with duckdb.connect(str(path), read_only=True) as connection:
        query = "SELECT schema_name || '.' || view_name, comment FROM duckdb_views() WHERE NOT internal"
        views = dict(connection.sql(query).fetchall())
        query = "SELECT schema_name || '.' || table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal"
        comments = {
            (t, c): words for t, c, words in connection.sql(query).fetchall() if t in views.keys() - former.keys()
        }
    assert views.pop("ops.catalog_root")
    assert views == former | {t.full_name: comment(t) for t in load().values()}
    assert {each: words for each, words in comments.items() if each[0] != "ops.catalog_root"} == {
        (t.full_name, name): words for t in load().values() for name, words in column_comments(t).items()
    }


@pytest.mark.parametrize("contract", load().values(), ids=lambda t: t.full_name)
def test_view_shows_the_files(store: Store, contract: Table) -> None:
    expected = sound(contract.name)
    store.write_partitions(contract, expected)
    catalog.build(store.root)
    with catalog.connect(store.root) as connection:
        shown = connection.sql(f"SELECT * FROM {contract.full_name}").pl()
    assert contract.conform(shown).equals(expected)


@pytest.mark.parametrize("contract", load().values(), ids=lambda t: t.full_name)
def test_an_empty_view_has_the_types_of_a_full_one(store: Store, contract: Table) -> None:
    types = []
    for rows in (None, sound(contract.name)):
        if rows is not None:
            store.write_partitions(contract, rows)
        catalog.build(store.root)
        with catalog.connect(store.root) as connection:
            types.append(list(map(str, connection.sql(f"FROM {contract.full_name}").types)))
    assert types[0] == types[1]
    assert set(types[0]) <= {"VARCHAR", "DOUBLE", "BIGINT", "INTEGER", "BOOLEAN", "DATE", "TIMESTAMP", "BLOB"}


def test_hourly_views_stop_at_the_watermark_and_follow_it(store: Store) -> None:
    frame = sound("market_balance")
    hour = frame["hour_utc"][0]
    later = frame.with_columns(pl.col("hour_utc") + HOUR, (pl.col("hour_utc") + HOUR).dt.date().alias("date"))
    store.write_partitions(BALANCE, pl.concat([frame, later]))
    publish_until(store, hour)
    catalog.build(store.root)
    with catalog.connect(store.root) as connection:
        assert last_hour(connection) == hour
        publish_until(store, hour + HOUR)
        assert last_hour(connection) == hour + HOUR


def publish_until(store: Store, hour: datetime) -> None:
    store.write(WATERMARK, pl.DataFrame({"hour_utc": [hour], "source": ["simulated"]}), {})


def last_hour(connection: duckdb.DuckDBPyConnection) -> datetime:
    return connection.sql("SELECT max(hour_utc) AS h FROM mart.market_balance").pl()["h"].item()


def test_tables_and_columns_have_comments(store: Store) -> None:
    catalog.build(store.root)
    with catalog.connect(store.root) as connection:
        views = dict(connection.sql("SELECT schema_name || '.' || view_name, comment FROM duckdb_views()").fetchall())
        columns = connection.sql(
            "SELECT comment FROM duckdb_columns() WHERE schema_name = 'mart' AND table_name = 'market_balance'"
        ).fetchall()
    assert all(table(t.name).doc[:20] in (views[t.full_name] or "") for t in load().values())
    assert all(comment for name, comment in views.items() if name.startswith(("raw.", "core.", "mart.", "ops.")))
    assert len(columns) == len(BALANCE.columns)
    assert all(comment for (comment,) in columns)


def test_it_is_replaced_atomically_and_readers_are_read_only(store: Store) -> None:
    path = catalog.build(store.root)
    with catalog.connect(store.root) as open_one:
        first = path.stat().st_ino
        catalog.build(store.root)
        assert path.stat().st_ino != first
        assert open_one.execute("SELECT count(*) FROM mart.market_balance").fetchone() == (0,)
        with pytest.raises(duckdb.Error, match="read-only"):
            open_one.execute("CREATE TABLE mart.mine (x INTEGER)")
    assert sorted(p.name for p in store.root.iterdir()) == ["catalog.duckdb", "warehouse.json"]


def test_catalog_has_duckdb_1_format(store: Store) -> None:
    path = catalog.build(store.root)
    with duckdb.connect(str(path), read_only=True) as connection:
        tags = connection.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchone()
    assert "v1.0.0" in str(tags)


def test_a_missing_or_damaged_catalog_has_a_remedy(store: Store) -> None:
    with pytest.raises(UserError, match=r"there is no catalog at .*catalog\.duckdb; create one with: liq run"):
        catalog.connect(store.root)
    (store.root / "catalog.duckdb").write_bytes(b"no database")
    with pytest.raises(UserError, match=r"catalog\.duckdb cannot be opened \(.*\); rebuild it with: liq run") as caught:
        catalog.connect(store.root)
    assert "\n" not in str(caught.value)


class TestMoved:
    @pytest.fixture
    def copy(self, store: Store, tmp_path: Path) -> Store:
        """Return a copy of a warehouse that has diverged from it."""
        store.write_partitions(BALANCE, sound("market_balance"))
        catalog.build(store.root)
        copied = Store(tmp_path / "copy")
        shutil.copytree(store.root, copied.root)
        copied.write_partitions(BALANCE, sound("market_balance").head(1))
        return copied

    def test_copy_shows_its_own_files(self, store: Store, copy: Store) -> None:
        for root, rows in ((copy.root, 1), (store.root, sound("market_balance").height)):
            with catalog.connect(root) as connection:
                assert connection.sql("SELECT * FROM mart.market_balance").pl().height == rows

    def test_a_moved_catalog_is_rebuilt_once(self, store: Store, tmp_path: Path) -> None:
        catalog.build(store.root)
        moved = store.root.rename(tmp_path / "moved")
        catalog.connect(moved).close()
        made = (moved / "catalog.duckdb").stat().st_ino
        (tmp_path / "link").symlink_to(moved)
        for root in (moved, tmp_path / "link"):
            catalog.connect(root).close()
            assert (moved / "catalog.duckdb").stat().st_ino == made

    def test_a_catalog_without_a_folder_is_rebuilt(self, store: Store) -> None:
        duckdb.connect(str(store.root / "catalog.duckdb")).close()
        with catalog.connect(store.root) as connection:
            assert connection.sql("SELECT * FROM mart.market_balance").pl().height == 0

    def test_a_read_only_copy_is_refused(self, copy: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may write anywhere
        with pytest.raises(UserError, match=r"catalog\.duckdb was built for another folder .*; make .*copy writable"):
            catalog.connect(copy.root)


@pytest.mark.parametrize("name", ["o'brien", "g[1]", "[]", "a*b", "x ''[*]"])
def test_folder_name_may_hold_quotes_and_globs(tmp_path: Path, name: str) -> None:
    store = open_store(tmp_path / name, "simulated", create=True)
    beside = open_store(tmp_path / "g1", "simulated", create=True)  # `g[1]` would match it
    levels = sound("liquidation_levels")
    for each, rows in ((store, sound("market_balance")), (beside, sound("market_balance").head(1))):
        each.write_partitions(BALANCE, rows)
        each.write_partitions(table("liquidation_levels"), levels)
        publish_until(each, levels["hour_utc"].max())
    catalog.build(store.root)
    with catalog.connect(store.root) as connection:
        shown = connection.sql("SELECT * FROM mart.market_balance").pl()
        assert connection.sql("SELECT * FROM ops.watermark").pl().height == 1
        of_coin = levels.filter(coin=levels["coin"][0])
        assert connection.sql(f"FROM levels_of('{of_coin['coin'][0]}')").pl().height == of_coin.height
    assert BALANCE.conform(shown).equals(sound("market_balance"))


def test_a_folder_name_that_duckdb_cannot_write_in_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path / "what?", "simulated", create=True)
    with pytest.raises(
        UserError, match=r"DuckDB cannot write in .*what\?: a folder name contains a \?; set LIQ_WAREHOUSE"
    ):
        catalog.build(store.root)


def test_views_qualify_their_columns(small_warehouse: Path) -> None:
    """DuckDB 2.0.1 binds a bare `coin` in a view to the argument `coin` of a macro that reads the view."""
    with catalog.connect(small_warehouse) as connection:
        views = dict(connection.sql("SELECT view_name, sql FROM duckdb_views() WHERE schema_name = 'mart'").fetchall())
    for name in ("liquidation_levels", "market_balance", "liquidation_clusters"):
        assert [c.name for c in table(name).columns if f"file.{c.name}" not in views[name].replace('"', "")] == []
