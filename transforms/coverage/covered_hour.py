"""An hour whose realised liquidations are known, in full or as a sample."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CoveredHour:
    """An hour, given by its end in unix ms. `instrument` None covers every contract of the exchange."""

    exchange: str
    instrument: str | None
    hour_ms: int
    completeness: str
    source: str
