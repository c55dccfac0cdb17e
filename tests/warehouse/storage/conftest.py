"""An empty warehouse and a stage over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from warehouse.storage.staging import Stage
from warehouse.storage.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "warehouse", "simulated", create=True)


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store, "20260105T00-20260105T01")
