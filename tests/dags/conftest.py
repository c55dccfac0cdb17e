"""An Airflow of the tests' own: its home is set before anything imports airflow, for that is when it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse.scheduler import airflow_env, migrate


@pytest.fixture(scope="session")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in airflow_env(home).items():
            patch.setenv(name, value)
        yield home


@pytest.fixture(scope="session")
def migrated_home(airflow_home: Path) -> Path:
    migrate(airflow_home, lambda line: None)
    return airflow_home
