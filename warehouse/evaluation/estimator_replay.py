"""A published hour recomputed on demand by another estimator."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import polars as pl

from transforms.charts.snapshot import Snapshot
from transforms.estimation.replay import LOOKS_BACK, levels
from transforms.hourly.hours import HOUR
from transforms.model.estimators import ESTIMATORS
from warehouse.catalog.snapshot_queries import ask
from warehouse.clock import hours
from warehouse.errors import UserError

_INPUTS = ("bars", "open_interest", "margin_tiers", "instruments")


def by_estimator(catalog: duckdb.DuckDBPyConnection, market: Snapshot, estimator: str) -> Snapshot:
    """Recompute the same hour with another estimator, from data that was published by then.

    Clusters, balance and ranges describe the published map and are emptied. Raises UserError for an unknown name.
    """
    if estimator not in ESTIMATORS:
        raise UserError(f"unknown estimator {estimator!r}; there are {', '.join(ESTIMATORS)}")
    first = max(market.hour - LOOKS_BACK, ask(catalog, "replay/first_hour", coin=market.coin).item())
    span = {"coin": market.coin, "first": first - HOUR, "last": market.hour}
    bars, readings, tiers, listed = (ask(catalog, f"replay/{name}", **span) for name in _INPUTS)
    parameters = ask(catalog, "snapshot/parameters")
    replayed = list(hours(first, market.hour))
    rows = levels(bars, readings, tiers, listed, parameters, estimator=estimator, hours=replayed)
    own = rows.filter(pl.col("exchange").is_in(market.exchanges))
    return replace(
        market, levels=own, parameters_version=estimator, balance=market.balance.clear(),
        clusters=market.clusters.clear(), ranges=market.ranges.clear(),
    )  # fmt: skip
