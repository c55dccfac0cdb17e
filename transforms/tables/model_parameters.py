"""mart.model_parameters: the assumptions as rows, and rows as assumptions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import polars as pl

from expectations.columns import SIDES
from expectations.tables import table
from transforms.model.assumptions import HALF_LIVES_H, LEVERAGE_X, UNLIQUIDATABLE_X, Assumptions, prior

TABLE = table("model_parameters")
_ALWAYS = datetime(2010, 1, 1)  # before any perpetual was listed


def build(*, exchanges: Sequence[str]) -> pl.DataFrame:
    """The stated prior, equal for every venue and side: there is no fit yet."""
    rows = [row for exchange in exchanges for side in SIDES for row in _rows(prior(), exchange, side)]
    return TABLE.conform(pl.DataFrame(rows, schema=TABLE.schema, orient="row"))


def _rows(assumed: Assumptions, exchange: str, side: str) -> list[dict[str, object]]:
    def row(parameter: str, leverage: float, half_life: float, value: float) -> dict[str, object]:
        return {
            "version": assumed.version,
            "exchange": exchange,
            "side": side,
            "parameter": parameter,
            "leverage_x": leverage,
            "half_life_hours": half_life,
            "value": float(value),
            "basis": "prior",
            "valid_from_utc": _ALWAYS,
        }

    shares = np.vstack([assumed.opening_share, assumed.never_share])
    rows = [
        row("opening_share", leverage, half_life, shares[i, j])
        for i, leverage in enumerate((*LEVERAGE_X, UNLIQUIDATABLE_X))
        for j, half_life in enumerate(HALF_LIVES_H)
    ]
    rows += [row("position_usd", x, 0.0, usd) for x, usd in zip(LEVERAGE_X, assumed.position_usd, strict=True)]
    return [*rows, row("open_share_of_taker", 0.0, 0.0, assumed.open_share_of_taker)]


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
        opening_share=np.array([[values["opening_share", x, h] for h in HALF_LIVES_H] for x in LEVERAGE_X]),
        never_share=np.array([values["opening_share", UNLIQUIDATABLE_X, h] for h in HALF_LIVES_H]),
        position_usd=tuple(values["position_usd", x, 0.0] for x in LEVERAGE_X),
        open_share_of_taker=values["open_share_of_taker", 0.0, 0.0],
    )
