"""The map of a published hour, recomputed from the tables by each estimator."""

from __future__ import annotations

import duckdb
import pytest

from tests.warehouse.trial import Trial
from transforms.model.estimators import ESTIMATORS
from warehouse.catalog import snapshot_queries as read
from warehouse.errors import UserError
from warehouse.evaluation.estimator_replay import by_estimator


@pytest.fixture(scope="module")
def catalog(one_hour: Trial):
    with duckdb.connect(str(one_hour.root / "catalog.duckdb"), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("name", ["fitted", "prior"])
def test_the_own_estimator_gives_the_published_map(catalog: duckdb.DuckDBPyConnection, name: str) -> None:
    """A single hour has no history and no fit: both are the published map."""
    market = read.snapshot(catalog, "BTC")
    made = by_estimator(catalog, market, name).levels
    published = market.levels.drop("fit_usd", "gap_usd")  # a replayed map has no errors
    columns = published.columns
    assert made.select(columns).sort(columns[:3]).equals(published.sort(columns[:3]))


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - {"fitted", "prior"}))
def test_baseline_has_same_exchanges_and_another_map(catalog: duckdb.DuckDBPyConnection, name: str) -> None:
    market = read.snapshot(catalog, "BTC")
    made = by_estimator(catalog, market, name)
    assert made.parameters_version == name
    published = market.levels.drop("fit_usd", "gap_usd")
    assert not made.levels.select(published.columns).equals(published)
    assert made.clusters.is_empty()
    if name != "ladder":  # it starts without positions
        assert set(made.levels["exchange"]) == set(market.exchanges)


def test_an_unknown_name_is_refused(catalog: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UserError, match="unknown estimator 'best'; there are fitted, prior, ladder"):
        by_estimator(catalog, read.snapshot(catalog, "BTC"), "best")
