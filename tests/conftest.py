"""Simulated exchanges for tests that run the real pipeline, started once per process with the clock at `NOW`."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.warehouse.trial import NOW, A, Trial
from warehouse.clock import to_ms
from warehouse.ingest import collector as collect
from warehouse.simulator import Simulation, serve

settings.register_profile("any machine", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def _short_pauses() -> Iterator[None]:
    """Keep the number of attempts but shorten the pauses between them; ingest/test_client.py tests the pauses."""
    with pytest.MonkeyPatch.context() as patch:
        client = functools.partial(collect.ExchangeClient, backoff_s=0.001, backoff_max_s=0.01)
        patch.setattr(collect, "ExchangeClient", client)
        yield


@pytest.fixture(scope="session")
def _served() -> Iterator[Simulation]:
    with serve(seed=7, now_ms=to_ms(NOW)) as simulation:
        yield simulation


@pytest.fixture
def exchanges(_served: Simulation) -> Iterator[Simulation]:
    """Yield the simulated exchanges without faults and with an empty request log."""
    _forget(_served)
    yield _served
    _forget(_served)


@pytest.fixture(scope="module")
def quiet_exchanges(_served: Simulation) -> Simulation:
    """Return the simulated exchanges for warehouses shared by a module; tests must not read their request log."""
    _forget(_served)
    return _served


@pytest.fixture(scope="session")
def one_hour(_served: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a shared warehouse of hour `A` with all exchanges up; a test that changes it works on a copy."""
    _forget(_served)
    made = Trial(tmp_path_factory.mktemp("one_hour") / "warehouse", _served.url)
    made.run(A)
    return made


def _forget(simulation: Simulation) -> None:
    simulation.faults.clear()
    simulation.exchange.counts.clear()
    simulation.exchange.recent.clear()
