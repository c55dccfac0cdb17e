"""Contract attributes that every reading needs."""

from __future__ import annotations

import polars as pl


def listed(instruments: pl.DataFrame) -> pl.DataFrame:
    """Return coin, kind, unit and contract size by exchange and instrument, from the newest version of each."""
    return (
        instruments.sort("valid_from_utc")
        .unique(["exchange", "instrument"], keep="last", maintain_order=True)
        .select("exchange", "instrument", "coin", "kind", "unit_multiplier", "contract_base", "contract_usd")
    )
