"""One hour's state read under alternative assumptions, as rows: how far the map depends on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import polars as pl

from expectations.tables import table as contract
from transforms.estimation.inputs import SIDE_OF
from transforms.estimation.state import COHORTS, restore
from transforms.model.estimator import open_notional
from transforms.model.population import Population
from transforms.model.price_grid import Floats, middle
from transforms.model.sensitivity import ALTERNATIVES
from transforms.tables.model_parameters import assumptions

DISTANCES_BP = (10, 25, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2000, 2500)
"""The distances of mart.liquidation_curve."""

ASSUMPTIONS = (*ALTERNATIVES, "fitted")
_POINT = ("exchange", "side", "distance_bp", "assumption")
_SCHEMA = {c: contract("liquidation_curve").schema[c] for c in ("exchange", "side", "distance_bp")} | {
    "assumption": pl.String(),
    "cumulative_usd": pl.Float64(),
    "parameters_version": pl.String(),
}


def table(coin: str, state_positions: pl.DataFrame, model_parameters: pl.DataFrame) -> pl.DataFrame:
    """Return cumulative USD from each contract's mark outward, by exchange (and `all`), side, distance and assumption.

    The state is the stored one of one coin and hour. `fitted` is the version that applied in that hour;
    `parameters_version` names it.
    """
    first = state_positions.row(0, named=True)
    each = pl.DataFrame(list(_read(state_positions, model_parameters)), schema=_SCHEMA, orient="row")
    rows = pl.concat([each, each.with_columns(pl.lit("all").alias("exchange"))])
    summed = rows.group_by(_POINT).agg(pl.col("cumulative_usd").sum(), pl.col("parameters_version").max())
    order = pl.col("assumption").replace_strict(list(ASSUMPTIONS), list(range(len(ASSUMPTIONS))))
    return summed.sort(*_POINT[:3], order).select(
        pl.lit(coin).alias("coin"),
        pl.lit(first["hour_utc"], state_positions.schema["hour_utc"]).alias("hour_utc"),
        *_POINT,
        "cumulative_usd",
        pl.lit("modelled").alias("kind"),
        "parameters_version",
        pl.lit(first["source"]).alias("source"),
    )


def _read(state_positions: pl.DataFrame, model_parameters: pl.DataFrame) -> Iterator[tuple[object, ...]]:
    hour = state_positions["hour_utc"][0]
    by_contract = state_positions.partition_by("exchange", "instrument", as_dict=True)
    for (exchange, _), own in sorted(by_contract.items()):
        for s, crowd in restore(own, COHORTS.empty()).items():
            fitted = assumptions(model_parameters, str(exchange), SIDE_OF[s], hour)
            weights: Mapping[str, Floats] = {n: make(str(exchange), s) for n, make in ALTERNATIVES.items()}
            for name, weight in {**weights, "fitted": fitted.weight}.items():
                for distance, usd in zip(DISTANCES_BP, _cumulative(crowd, weight), strict=True):
                    yield exchange, SIDE_OF[s], float(distance), name, usd, fitted.version


def _cumulative(crowd: Population, weight: Floats) -> list[float]:
    buckets, usd = open_notional(crowd, weight)
    away = crowd.s * (1.0 - middle(buckets) / crowd.mark)
    within = away <= np.array(DISTANCES_BP)[:, None] / 1e4
    sums: list[float] = (within * usd[0].sum(axis=0)).sum(axis=1).tolist()
    return sums
