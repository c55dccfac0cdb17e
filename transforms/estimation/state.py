"""The estimator's state as rows and back, to the bit: zeros are not stored, and missing rows are zeros."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise

import numpy as np
import polars as pl

from expectations.contract import Table
from expectations.tables import table
from transforms.estimation.inputs import SIDE_OF
from transforms.hourly.hours import HOUR_MS
from transforms.model.population import Cohort, Population

POSITIONS, COHORTS = table("state_positions"), table("state_cohorts")
_AGES = ("activity_base", "activity_1d_base", "activity_7d_base", "activity_30d_base")
_COHORT_COLUMNS = pl.Schema(
    {
        "opened_utc": pl.Int64,
        "hour_began_bucket": pl.Int32,
        "hour_reached_bucket": pl.Int32,
        "entry_bucket": pl.Int32,
        "activity_base": pl.Float64,
        "reached_bucket": pl.Int32,
        "aged_hours": pl.Float64,
    }
)


def store(crowds: Mapping[int, Population], hour: datetime, attributes: Mapping[str, str]) -> dict[str, pl.DataFrame]:
    """Return both state tables after `hour`. attributes: the columns repeated on each row, such as `coin`."""
    common = {**attributes, "hour_utc": hour, "date": hour.date()}
    positions = pl.concat([_positions(crowd) for crowd in crowds.values()])
    cohorts = pl.concat([_cohorts(crowd) for crowd in crowds.values()])
    return {t.name: _with(t, frame, common) for t, frame in ((POSITIONS, positions), (COHORTS, cohorts))}


def _with(contract: Table, frame: pl.DataFrame, common: Mapping[str, object]) -> pl.DataFrame:
    schema = contract.schema
    return contract.shape(
        frame.with_columns(pl.lit(v, dtype=schema[k]).alias(k) for k, v in common.items() if k in schema)
    )


def _positions(crowd: Population) -> pl.DataFrame:
    """Return a row per non-zero cell, after one empty row that keeps the side's scalars if there are no positions."""
    position_class, holding, at = np.nonzero(crowd.cells[0])
    cells = crowd.cells[:, position_class, holding, at]
    initialised_ms = pl.lit(None if crowd.initialised_h is None else crowd.initialised_h * HOUR_MS, dtype=pl.Int64)
    return pl.DataFrame(
        {
            "side": SIDE_OF[crowd.s],
            "price_bucket": np.concatenate([[0], at + crowd.origin]).astype(np.int32),
            "position_class": np.concatenate([[0], position_class + 1]).astype(np.int32),
            "holding_class": np.concatenate([[0], holding]).astype(np.int32),
            **{name: np.concatenate([[0.0], cells[i]]) for i, name in enumerate(_AGES)},
            "mark_price": crowd.mark,
            "open_interest_base": crowd.open_interest,
            "closing_base": crowd.standing,
            "turnover_per_hour": crowd.turnover,
            "turnover_hours": crowd.observed_h,
            "aged_hours": crowd.aged_h,
        }
    ).with_columns(
        pl.from_epoch(initialised_ms, "ms").cast(POSITIONS.schema["initialised_utc"]).alias("initialised_utc")
    )


def _cohorts(crowd: Population) -> pl.DataFrame:
    """Return a row per entry; an hour that opened nothing has one row without activity, which keeps its move."""
    rows: list[tuple[object, ...]] = []
    for hour_h, cohort in crowd.cohorts.items():
        began, farthest = crowd.moves[hour_h % len(crowd.moves)].tolist()
        opened = zip(*(each.tolist() for each in (cohort.entry, cohort.coins, cohort.reached)), strict=True)
        of_hour = (hour_h * HOUR_MS, began, farthest)
        rows += [(*of_hour, *row, cohort.aged_h) for row in opened] or [(*of_hour, began, 0.0, began, cohort.aged_h)]
    frame = pl.DataFrame(rows, schema=_COHORT_COLUMNS, orient="row")
    opened_utc = pl.from_epoch("opened_utc", "ms").cast(COHORTS.schema["opened_utc"])
    return frame.with_columns(pl.lit(SIDE_OF[crowd.s]).alias("side"), opened_utc.alias("opened_utc"))


def restore(state_positions: pl.DataFrame, state_cohorts: pl.DataFrame) -> dict[int, Population]:
    """Return both sides of one contract as they were stored; empty if there is no state."""
    if state_positions.is_empty():
        return {}
    return {s: _restore(s, *(_side(f, s) for f in (state_positions, state_cohorts))) for s in SIDE_OF}


def _side(frame: pl.DataFrame, s: int) -> pl.DataFrame:
    return frame.filter(pl.col("side") == SIDE_OF[s])


def _restore(s: int, positions: pl.DataFrame, cohorts: pl.DataFrame) -> Population:
    crowd = Population.empty(s, positions["mark_price"][0])
    crowd.open_interest, crowd.standing = positions["open_interest_base"][0], positions["closing_base"][0]
    names = ("turnover_per_hour", "turnover_hours", "aged_hours")
    crowd.turnover, crowd.observed_h, crowd.aged_h = (positions[name][0] for name in names)
    initialised_ms = positions["initialised_utc"].dt.epoch("ms")[0]
    crowd.initialised_h = None if initialised_ms is None else initialised_ms // HOUR_MS
    held = positions.filter(pl.col("position_class") > 0)
    at = held["price_bucket"].to_numpy().astype(np.int64) - crowd.origin
    where = (held["position_class"].to_numpy() - 1, held["holding_class"].to_numpy(), at)
    for age, name in enumerate(_AGES):
        crowd.cells[(age, *where)] = held[name].to_numpy()
    _restore_cohorts(crowd, cohorts)
    return crowd


def _restore_cohorts(crowd: Population, rows: pl.DataFrame) -> None:
    ordered = rows.sort("opened_utc", "entry_bucket")
    hour_h = ordered["opened_utc"].dt.epoch("ms").to_numpy() // HOUR_MS
    entry, began, farthest, reached = (
        ordered[f"{name}_bucket"].to_numpy().astype(np.int64)
        for name in ("entry", "hour_began", "hour_reached", "reached")
    )
    coins, aged_h = (ordered[name].to_numpy() for name in ("activity_base", "aged_hours"))
    bounds = np.flatnonzero(np.diff(hour_h, prepend=-1, append=-1)).tolist()
    for start, stop in pairwise(bounds):
        own = slice(start, stop if coins[start] > 0.0 else start)
        crowd.cohorts[int(hour_h[start])] = Cohort(entry[own], coins[own].copy(), reached[own], float(aged_h[start]))
        crowd.moves[hour_h[start] % len(crowd.moves)] = began[start], farthest[start]
