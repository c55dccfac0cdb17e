"""mart.model_parameters: the assumptions as rows, and rows as assumptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np
import polars as pl

from expectations.tables import table
from transforms.estimator_input import SIDE_OF
from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, Assumptions, prior
from transforms.model.fit import Fitted

TABLE = table("model_parameters")
_ALWAYS = datetime(2010, 1, 1)  # before any perpetual was listed
_Row = dict[str, object]


def build(*, exchanges: Sequence[str]) -> pl.DataFrame:
    """The stated prior of every venue and side, from ever: what applies until something was learnt."""
    return _table(
        about | row
        for exchange in exchanges
        for side in SIDE_OF.values()
        for about in ({"exchange": exchange, "side": side, "basis": "prior", "valid_from_utc": _ALWAYS},)
        for row in _rows(prior(exchange))
    )


def fitted(found: Mapping[tuple[str, int], Fitted], valid_from: datetime) -> pl.DataFrame:
    """A fit's sides as one version, with what moved them, applying from `valid_from`."""
    rows: list[_Row] = []
    for (exchange, s), own in found.items():
        about = {"exchange": exchange, "side": SIDE_OF[s], "basis": "fitted", "valid_from_utc": valid_from}
        rows += [about | row for row in _rows(own.assumed)]
        moved = ("hours", "realised_usd", "prior_usd", "fitted_usd", "distance")
        rows += [about | _row(own.assumed.version, name, 0.0, 0.0, getattr(own, name)) for name in moved]
    return _table(rows)


def _table(rows: Iterator[_Row] | list[_Row]) -> pl.DataFrame:
    return TABLE.conform(pl.DataFrame(list(rows), schema=TABLE.schema, orient="row"))


def _row(version: str, parameter: str, leverage: float, half_life: float, value: float) -> _Row:
    about = {"version": version, "parameter": parameter, "leverage_x": leverage, "half_life_hours": half_life}
    return about | {"value": float(value)}


def _rows(assumed: Assumptions) -> list[_Row]:
    weights = [
        _row(assumed.version, "weight", x, h, assumed.weight[i, j])
        for i, x in enumerate(LEVERAGE_X)
        for j, h in enumerate(HALF_LIVES_H)
    ]
    return weights + [
        _row(assumed.version, "log_sd", x, 0.0, sd) for x, sd in zip(LEVERAGE_X, assumed.log_sd, strict=True)
    ]


def assumptions(model_parameters: pl.DataFrame, exchange: str, side: str, moment: datetime) -> Assumptions:
    """The newest version that applies at `moment`. Raises LookupError when there is none."""
    own = model_parameters.filter(
        (pl.col("exchange") == exchange) & (pl.col("side") == side) & (pl.col("valid_from_utc") <= moment)
    ).sort("valid_from_utc", "version")
    if own.is_empty():
        raise LookupError(f"no parameters for {side} positions on {exchange} at {moment}")
    own = own.filter(pl.col("version") == own["version"][-1])
    values = {
        (p, x, h): v for p, x, h, v in own.select("parameter", "leverage_x", "half_life_hours", "value").iter_rows()
    }
    return Assumptions(
        version=own["version"][0],
        weight=np.array([[values["weight", x, h] for h in HALF_LIVES_H] for x in LEVERAGE_X]),
        log_sd=np.array([values["log_sd", x, 0.0] for x in LEVERAGE_X]),
    )
