"""Airflow for the tests only. AIRFLOW_HOME is set before airflow is imported, which reads it at import.

The metadata database is migrated once per session, for all its workers; each home is a copy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.dags.engine import Engine
from warehouse.operations.airflow_local import airflow_env, migrate


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with a migrated database, to be copied; the workers of a session share it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with FileLock(shared / "airflow_migrated.lock"):
        migrate(shared / "airflow_migrated", lambda line: None)
    return shared / "airflow_migrated"


def _copy(migrated: Path, home: Path) -> Path:
    """Copy the database and its stamp. The configuration names its home, so Airflow writes a new one."""
    home.mkdir(exist_ok=True)
    for name in ("airflow.db", ".migrated"):
        shutil.copyfile(migrated / name, home / name)
    return home


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the home of the Airflow in this process, without a database."""
    home = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in airflow_env(home).items():
            patch.setenv(name, value)
        yield home


@pytest.fixture(scope="session")
def migrated_home(airflow_home: Path, migrated: Path) -> Path:
    """Return the home of the Airflow in this process, with a migrated database."""
    return _copy(migrated, airflow_home)


@pytest.fixture
def own_home(migrated: Path, tmp_path: Path) -> Path:
    """Return the home of an Airflow that no other test uses."""
    return _copy(migrated, tmp_path / "airflow")


@pytest.fixture
def run_dag(migrated_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, dict[str, str]]]:
    """Return a function that runs a DAG in this process, without retries, and returns the states of run and tasks.

    A mapped task is named with its map index, such as `collect okx`.
    """

    def run_dag(dag: Any, engine: Engine | None = None, **options: Any) -> tuple[str, dict[str, str]]:
        for task in dag.tasks:
            monkeypatch.setattr(task, "retries", 0)
        if engine:
            engine.install(monkeypatch)
        ran = dag.test(**options)
        return str(ran.state), {
            " ".join(filter(None, [ti.task_id, ti.rendered_map_index])): str(ti.state)
            for ti in ran.get_task_instances()
        }

    return run_dag


@pytest.fixture
def events(migrated_home: Path) -> Callable[[], list[tuple[str, str | None, dict[str, Any]]]]:
    """Return a function that lists the test's asset events: asset, partition key and extra, in order of asset."""
    from airflow.models.asset import AssetEvent
    from airflow.settings import Session
    from sqlalchemy import func, select

    with Session() as session:
        before = session.scalar(select(func.max(AssetEvent.id))) or 0

    def events() -> list[tuple[str, str | None, dict[str, Any]]]:
        with Session() as session:
            found = session.scalars(select(AssetEvent).where(AssetEvent.id > before).order_by(AssetEvent.id))
            return sorted(((e.asset.name, e.partition_key, dict(e.extra)) for e in found), key=lambda each: each[0])

    return events
