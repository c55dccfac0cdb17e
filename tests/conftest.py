"""Simulated exchanges for tests that run the pipeline for real: started once in a process, their clock at `NOW`."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.warehouse.trial import NOW, A, Trial
from warehouse.clock import to_ms
from warehouse.ingest import collector as collect
from warehouse.simulator import Simulation, serve

settings.register_profile("any machine", deadline=None)  # a busy one is slow, and not wrong
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def _impatient() -> Iterator[None]:
    """As many attempts as ever, without the pauses between them, which are the subject of ingest/test_client.py."""
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
    """The simulated exchanges, free of faults and with an empty log of requests."""
    _forget(_served)
    yield _served
    _forget(_served)


@pytest.fixture(scope="module")
def quiet_exchanges(_served: Simulation) -> Simulation:
    """The same, for warehouses that a module's tests share; their requests stand in no log that a test may read."""
    _forget(_served)
    return _served


@pytest.fixture(scope="session")
def one_hour(_served: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """A warehouse of hour `A`, all exchanges up. Whoever goes on with it takes a copy."""
    _forget(_served)
    made = Trial(tmp_path_factory.mktemp("one_hour") / "warehouse", _served.url)
    made.run(A)
    return made


def _forget(simulation: Simulation) -> None:
    simulation.faults.clear()
    simulation.exchange.counts.clear()
    simulation.exchange.recent.clear()
