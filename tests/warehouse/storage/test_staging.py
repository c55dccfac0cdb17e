"""A stage is published completely, even after a kill, or dropped."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.warehouse.storage.bars import BARS, KEY, PATH, bars, files
from warehouse.storage import staging as module
from warehouse.storage.layout import FILE, label
from warehouse.storage.staging import Stage, recover, staging, sweep_temporary
from warehouse.storage.store import Store, open_store


@pytest.mark.parametrize("name", ["o'brien", "g[1]", "a*b?"])
def test_folder_name_may_hold_quotes_and_globs(tmp_path: Path, name: str) -> None:
    store = open_store(tmp_path / name, "simulated", create=True)
    stage = Stage(store, "run")
    stage.store.write(BARS, bars(), KEY)
    stage.publish()
    (store.root / ".catalog.123.tmp").touch()
    sweep_temporary(store.root)
    assert store.keys(BARS) == store.keys(BARS, coin="BTC") == [KEY]
    assert store.read(BARS, [KEY]).height == 3
    assert files(store.root) == {"warehouse.json", PATH}


def test_stage_reads_published_tables_and_writes_separately(store: Store, stage: Stage) -> None:
    store.write(BARS, bars(1.0), KEY)
    assert stage.store.read(BARS, [KEY])["close"][0] == 1.0
    stage.store.write(BARS, bars(2.0), KEY)
    later = {"coin": "BTC", "date": date(2026, 1, 6)}
    stage.store.write(BARS, bars(day=date(2026, 1, 6)), later)
    assert stage.store.read(BARS, [KEY])["close"][0] == 2.0
    assert store.read(BARS, [KEY])["close"][0] == 1.0
    assert stage.store.keys(BARS) == [KEY, later]
    assert store.keys(BARS) == [KEY]
    assert [(t.name, k) for t, k in stage.staged()] == [("price_bars", KEY), ("price_bars", later)]


def test_publish_moves_only_changes_and_removes_the_stage(store: Store, stage: Stage) -> None:
    store.write(BARS, bars(1.0), KEY)
    kept = store.path(BARS, KEY)
    inode = kept.stat().st_ino
    stage.store.write(BARS, bars(1.0), KEY)
    stage.store.write(BARS, bars(day=date(2026, 1, 6)), {"coin": "BTC", "date": date(2026, 1, 6)})
    assert stage.publish().total() == 1
    assert kept.stat().st_ino == inode
    assert not stage.home.exists()
    assert len(store.keys(BARS)) == 2


@pytest.mark.parametrize("killed_at", range(4))
def test_interrupted_publication_is_completed(
    store: Store, stage: Stage, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    days = [date(2026, 1, day) for day in (5, 6, 7)]
    for day in days:
        stage.store.write(BARS, bars(2.0, day), {"coin": "BTC", "date": day})
    with monkeypatch.context() as patch:
        patch.setattr(module, "replace_durably", _cut_after(killed_at, module.replace_durably))
        patch.setattr(module.shutil, "rmtree", _cut_after(killed_at, module.shutil.rmtree))
        with pytest.raises(KeyboardInterrupt):
            stage.publish()
    recover(store)
    published = {label(BARS, key) for key in store.keys(BARS)}
    assert len(published) == (0 if killed_at == 0 else 3)  # without a journal the publication never began
    assert not any((store.root / ".staging").iterdir())


def test_abandoned_stage_is_dropped(store: Store, stage: Stage) -> None:
    stage.store.write(BARS, bars(), KEY)
    with staging(store, "alive") as alive:
        alive.store.write(BARS, bars(), KEY)
        recover(store)
        assert list(alive.staged())
        assert not list(stage.staged())
    assert files(store.root) == {"warehouse.json"}


def test_runs_of_the_same_hours_have_separate_stages(store: Store) -> None:
    with staging(store, "hour") as one, staging(store, "hour") as other:
        one.store.write(BARS, bars(), KEY)
        assert not list(other.staged())


def _cut_after(times: int, whole: Callable[..., None]) -> Callable[..., None]:
    left = [times]

    def cut(*args: object, **options: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        whole(*args, **options)

    return cut


def test_temporary_files_of_dead_writers_are_removed(store: Store) -> None:
    payloads = store.root / "raw/payloads/exchange=okx/date=2026-01-05"
    payloads.mkdir(parents=True)
    for leftover in (payloads / f".{FILE}.123.tmp", store.root / ".catalog.123.tmp", store.root / ".catalog.1.tmp.wal"):
        leftover.touch()
    (payloads / FILE).touch()
    sweep_temporary(store.root)
    assert files(store.root) == {"warehouse.json", f"raw/payloads/exchange=okx/date=2026-01-05/{FILE}"}


def test_temporary_catalog_of_live_process_is_kept(store: Store) -> None:
    """Imports, fits and readers build the catalog without the lock that guards the sweep of leftovers."""
    written = {f".catalog.{os.getpid()}.tmp", f".catalog.{os.getpid()}.tmp.wal"}
    for name in written:
        (store.root / name).touch()
    sweep_temporary(store.root)
    assert files(store.root) == {"warehouse.json", *written}
