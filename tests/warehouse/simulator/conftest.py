"""One simulated server for all tests of this folder, at a fixed clock."""

from collections.abc import Iterator

import httpx
import pytest

from warehouse.simulator import Simulation, serve

HOUR_MS = 3_600_000
NOW_MS = 1_764_547_200_000 + 7 * HOUR_MS + 123_456  # in the middle of a five-minute bar


@pytest.fixture(scope="session")
def now_ms() -> int:
    return NOW_MS


@pytest.fixture(scope="session")
def served() -> Iterator[Simulation]:
    with serve(source="simulated", seed=7, now_ms=NOW_MS) as running:
        yield running


@pytest.fixture
def sim(served: Simulation) -> Iterator[Simulation]:
    yield served
    served.faults.clear()


@pytest.fixture(scope="session")
def opened(served: Simulation) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, timeout=30.0) as client:
        yield client


@pytest.fixture
def client(sim: Simulation, opened: httpx.Client) -> httpx.Client:
    return opened
