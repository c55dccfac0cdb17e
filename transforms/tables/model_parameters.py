"""model.model_parameters: the assumptions as rows, and rows as assumptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time

import numpy as np
import polars as pl

from expectations.columns.kinds import EXCHANGES
from expectations.tables import table
from transforms.estimation.calibration import learn, observed, seen
from transforms.estimation.inputs import SIDE_OF
from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, Assumptions, prior
from transforms.model.fit import Fitted

TABLE = table("model_parameters")
STATED = date(2010, 1, 1)
"""The day from which the stated prior applies: before any perpetual was listed."""

_Row = dict[str, object]


def build(
    calibration_exposure: pl.DataFrame,
    position_ledger: pl.DataFrame,
    realised_liquidations: pl.DataFrame,
    realised_coverage: pl.DataFrame,
    *,
    day: date,
) -> pl.DataFrame:
    """The version that applies from `day` on, fitted to the days before it; no rows where they tell too little.

    Of STATED, the prior of every exchange and side: what applies until something was learnt. A version is of every exchange
    there is, whichever are asked now: hours made with it stay explained.
    """
    midnight, exchanges = datetime.combine(day, time()), sorted(EXCHANGES)
    if day == STATED:
        return _stated(exchanges, midnight)
    tables = (calibration_exposure, position_ledger, realised_liquidations, realised_coverage)
    coins = [seen(*(rows.filter(coin=coin) for rows in tables)) for coin in realised_coverage["coin"].unique().sort()]
    found = learn(f"fit-{day}", exchanges, observed(coins, midnight))
    return fitted(found, midnight) if found else TABLE.empty()


def _stated(exchanges: Sequence[str], since: datetime) -> pl.DataFrame:
    return _table(
        about | row
        for exchange in exchanges
        for side in SIDE_OF.values()
        for about in ({"exchange": exchange, "side": side, "basis": "prior", "valid_from_utc": since},)
        for row in _rows(prior(exchange))
    )


def fitted(found: Mapping[tuple[str, int], Fitted], valid_from: datetime) -> pl.DataFrame:
    """A fit's sides as one version, with what moved them, applying from `valid_from`.

    To six digits: the order in which a machine adds is told by the last ones, and nothing else is.
    """
    rows: list[_Row] = []
    for (exchange, s), own in found.items():
        about = {"exchange": exchange, "side": SIDE_OF[s], "basis": "fitted", "valid_from_utc": valid_from}
        rows += [about | row for row in _rows(own.assumed)]
        moved = ("hours", "realised_usd", "prior_usd", "fitted_usd", "distance")
        rows += [about | _row(own.assumed.version, name, 0.0, 0.0, getattr(own, name)) for name in moved]
    return _table(rows).with_columns(pl.col("value").round_sig_figs(6))


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


class Applying:
    """The version that applies to a side of `exchange` at an hour; each version is read once."""

    def __init__(self, model_parameters: pl.DataFrame, exchange: str) -> None:
        self.exchange = exchange
        self.rows = model_parameters.filter(pl.col("exchange") == exchange)
        self.starts = self.rows["valid_from_utc"].unique().sort().to_list()
        self.read: dict[tuple[int, int], Assumptions] = {}

    def __call__(self, s: int, hour_h: int) -> Assumptions:
        """Of side `s` at `hour_h`, hours since the epoch. Raises LookupError when there is none."""
        moment = datetime.fromtimestamp(hour_h * 3600, UTC).replace(tzinfo=None)
        version = (s, sum(start <= moment for start in self.starts))
        if version not in self.read:
            self.read[version] = assumptions(self.rows, self.exchange, SIDE_OF[s], moment)
        return self.read[version]
