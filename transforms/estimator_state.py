"""The estimator's state as rows and back, to the bit: what is not zero is written, what is not written is zero."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import polars as pl

from expectations.contract import Table
from expectations.tables import table
from transforms.estimator_input import SIDE_OF
from transforms.model.population import AGES, HOLDINGS, Cohorts, Population

POSITIONS, COHORTS = table("standing_positions"), table("opened_cohorts")
_AGES = ("base", "base_1d", "base_7d", "base_30d")
_HOUR_MS = 3_600_000


def store(
    crowds: Mapping[int, Population], hour: datetime, about: Mapping[str, str], version: str
) -> dict[str, pl.DataFrame]:
    """Both state tables after `hour`."""
    common = {**about, "hour_utc": hour, "date": hour.date(), "parameters_version": version}
    positions = pl.concat([_positions(crowd) for crowd in crowds.values()])
    cohorts = pl.concat([_cohorts(crowd) for crowd in crowds.values()])
    return {t.name: _with(t, frame, common) for t, frame in ((POSITIONS, positions), (COHORTS, cohorts))}


def _with(contract: Table, frame: pl.DataFrame, common: Mapping[str, object]) -> pl.DataFrame:
    schema = contract.schema
    return contract.conform(
        frame.with_columns(pl.lit(v, dtype=schema[k]).alias(k) for k, v in common.items() if k in schema)
    )


def _positions(crowd: Population) -> pl.DataFrame:
    position_class, holding, at = np.nonzero(crowd.cells[0])
    cells = crowd.cells[:, position_class, holding, at]
    return pl.DataFrame(
        {
            "side": SIDE_OF[crowd.s],
            "price_bucket": np.concatenate([np.zeros(HOLDINGS, np.int64), at + crowd.origin]).astype(np.int32),
            "position_class": np.concatenate([np.zeros(HOLDINGS, np.int64), position_class + 1]).astype(np.int32),
            "holding_class": np.concatenate([np.arange(HOLDINGS), holding]).astype(np.int32),
            **{name: np.concatenate([crowd.never[i], cells[i]]) for i, name in enumerate(_AGES)},
            "mark_price": crowd.mark,
        }
    )


def _cohorts(crowd: Population) -> pl.DataFrame:
    cohorts, n = crowd.cohorts, len(crowd.cohorts.opened_h)
    return pl.DataFrame(
        {
            "side": np.full(n * HOLDINGS, SIDE_OF[crowd.s]),
            "opened_utc": np.repeat(cohorts.opened_h * _HOUR_MS, HOLDINGS),
            "entry_bucket": np.repeat(cohorts.entry, HOLDINGS).astype(np.int32),
            "holding_class": np.tile(np.arange(HOLDINGS), n).astype(np.int32),
            "base": cohorts.base.reshape(-1),
            "extreme_price": np.repeat(cohorts.extreme, HOLDINGS),
        },
        schema_overrides={"side": pl.String, "base": pl.Float64, "extreme_price": pl.Float64},
    ).with_columns(pl.from_epoch("opened_utc", "ms").cast(COHORTS.schema["opened_utc"]).alias("opened_utc"))


def restore(standing_positions: pl.DataFrame, opened_cohorts: pl.DataFrame) -> dict[int, Population]:
    """Both sides of one contract as they were stored; empty when there is no state."""
    if standing_positions.is_empty():
        return {}
    return {s: _restore(s, *(_side(f, s) for f in (standing_positions, opened_cohorts))) for s in SIDE_OF}


def _side(frame: pl.DataFrame, s: int) -> pl.DataFrame:
    return frame.filter(pl.col("side") == SIDE_OF[s])


def _restore(s: int, positions: pl.DataFrame, cohorts: pl.DataFrame) -> Population:
    crowd = Population.empty(s, positions["mark_price"][0])
    held = positions.filter(pl.col("position_class") > 0)
    at = held["price_bucket"].to_numpy().astype(np.int64) - crowd.origin
    where = (held["position_class"].to_numpy() - 1, held["holding_class"].to_numpy(), at)
    never = positions.filter(pl.col("position_class") == 0).sort("holding_class")
    for age in range(AGES):
        crowd.cells[(age, *where)] = held[_AGES[age]].to_numpy()
        crowd.never[age] = never[_AGES[age]].to_numpy()
    crowd.cohorts = _restore_cohorts(cohorts)
    return crowd


def _restore_cohorts(rows: pl.DataFrame) -> Cohorts:
    ordered = rows.sort("opened_utc", "entry_bucket", "holding_class")
    first = ordered.filter(pl.col("holding_class") == 0)
    return Cohorts(
        opened_h=first["opened_utc"].dt.epoch("ms").to_numpy() // _HOUR_MS,
        entry=first["entry_bucket"].to_numpy().astype(np.int64),
        base=ordered["base"].to_numpy().reshape(-1, HOLDINGS).copy(),
        extreme=first["extreme_price"].to_numpy().copy(),
    )
