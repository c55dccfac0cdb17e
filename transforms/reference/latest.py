"""What every reading needs to know of its contract."""

from __future__ import annotations

import polars as pl


def listed(instruments: pl.DataFrame) -> pl.DataFrame:
    """Coin, unit and contract size by exchange and instrument: one row each, of the newest version."""
    return (
        instruments.sort("valid_from_utc")
        .unique(["exchange", "instrument"], keep="last", maintain_order=True)
        .select("exchange", "instrument", "coin", "kind", "unit_multiplier", "contract_base", "contract_usd")
    )
