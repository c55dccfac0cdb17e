"""model.model_parameters: the estimator's assumptions, written as rows and read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time

import numpy as np
import polars as pl

from expectations.columns.kinds import EXCHANGES
from expectations.tables import table
from transforms.estimation.calibration import learn, load_exposure, load_flows, observe
from transforms.estimation.inputs import SIDE_OF
from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, Assumptions, prior
from transforms.model.fitting.fit import Fitted

TABLE = table("model_parameters")
STATED = date(2010, 1, 1)
"""Day from which the stated prior applies: earlier than the first perpetual."""

_EVIDENCE = ("hours", "realised_usd", "prior_usd", "fitted_usd", "distance")
_Row = dict[str, object]


def build(
    calibration_exposure: pl.DataFrame,
    position_ledger: pl.DataFrame,
    realised_liquidations: pl.DataFrame,
    realised_coverage: pl.DataFrame,
    *,
    day: date,
) -> pl.DataFrame:
    """Return the version that applies from `day`, fitted to the days before it; no rows with too little data.

    On STATED, return the prior of every exchange and side, which applies until the first fit. A version covers every
    supported exchange, whichever are configured, so that hours computed with it can always be explained.
    """
    midnight, exchanges = datetime.combine(day, time()), sorted(EXCHANGES)
    if day == STATED:
        return _stated(exchanges, midnight)
    tables = (calibration_exposure, position_ledger, realised_liquidations, realised_coverage)
    names = realised_coverage["coin"].unique().sort()
    coins = [load_exposure(*(rows.filter(coin=coin) for rows in tables)) for coin in names]
    flows = load_flows(*tables[1:], midnight)
    fits = learn(f"fit-{day}", exchanges, observe(coins, midnight), flows)
    return fitted(fits, midnight) if fits else TABLE.empty()


def _stated(exchanges: Sequence[str], since: datetime) -> pl.DataFrame:
    return _table(
        {"exchange": exchange, "side": side, "basis": "prior", "valid_from_utc": since} | row
        for exchange in exchanges
        for side in SIDE_OF.values()
        for row in _rows(prior(exchange))
    )


def fitted(fits: Mapping[tuple[str, int], Fitted], valid_from: datetime) -> pl.DataFrame:
    """Return the fits of all exchanges and sides as one version that applies from `valid_from`.

    Rows hold the parameters and the evidence behind each fit. Values are rounded to six significant digits: the digits
    after them depend on the order of additions.
    """
    rows: list[_Row] = []
    for (exchange, s), fit in fits.items():
        key = {"exchange": exchange, "side": SIDE_OF[s], "basis": "fitted", "valid_from_utc": valid_from}
        rows += [key | row for row in _rows(fit.assumed)]
        evidence = {name: getattr(fit, name) for name in _EVIDENCE}
        evidence |= {"log_survival": fit.survives.log_mean, "log_survival_sd": fit.survives.log_sd}
        rows += [key | _row(fit.assumed.version, name, 0.0, 0.0, value) for name, value in evidence.items()]
    return _table(rows).with_columns(pl.col("value").round_sig_figs(6))


def _table(rows: Iterator[_Row] | list[_Row]) -> pl.DataFrame:
    return TABLE.conform(pl.DataFrame(list(rows), schema=TABLE.schema, orient="row"))


def _row(version: str, parameter: str, leverage: float, half_life: float, value: float) -> _Row:
    key = {"version": version, "parameter": parameter, "leverage_x": leverage, "half_life_hours": half_life}
    return key | {"value": float(value)}


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
    """Return the newest version that applies at `moment`. Raises LookupError when there is none."""
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
    """The version that applies to a side of `exchange` at an hour; each version is parsed once."""

    def __init__(self, model_parameters: pl.DataFrame, exchange: str) -> None:
        self.exchange = exchange
        self.rows = model_parameters.filter(pl.col("exchange") == exchange)
        self.starts = self.rows["valid_from_utc"].unique().sort().to_list()
        self.parsed: dict[tuple[int, int], Assumptions] = {}

    def __call__(self, s: int, hour_h: int) -> Assumptions:
        """Return the version for side `s` at `hour_h`, hours since the epoch. Raises LookupError when there is none."""
        moment = datetime.fromtimestamp(hour_h * 3600, UTC).replace(tzinfo=None)
        version = (s, sum(start <= moment for start in self.starts))
        if version not in self.parsed:
            self.parsed[version] = assumptions(self.rows, self.exchange, SIDE_OF[s], moment)
        return self.parsed[version]
