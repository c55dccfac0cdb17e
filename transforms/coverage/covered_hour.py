"""An hour of which it is known what was liquidated, or a sample of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CoveredHour:
    """An hour, by its end; `instrument` None: of every contract of the exchange."""

    exchange: str
    instrument: str | None
    hour_ms: int
    completeness: str
    source: str
