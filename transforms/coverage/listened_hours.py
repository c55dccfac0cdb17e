"""Hours in which an exchange's liquidation stream was recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from transforms.coverage.covered_hour import CoveredHour
from transforms.exchanges import recording
from transforms.exchanges.feeds import feed
from transforms.exchanges.protocol import ExchangeError
from transforms.exchanges.replay import request_of
from transforms.hourly.hours import HOUR_MS

BRIEF_MS = 60_000
"""Longest total interruption of a covered hour, mostly reconnections; any interruption makes the hour a sample."""


def listened_hours(recordings: pl.DataFrame) -> list[CoveredHour]:
    """Return every hour of the recordings (rows of raw.payloads) with at most BRIEF_MS missing."""
    found: list[CoveredHour] = []
    for (exchange, source), own in recordings.partition_by("exchange", "source", as_dict=True).items():
        stretches = [each for body in own["body"] for each in recording.listened(body)]
        for hour_ms in sorted(set(_recorded_hours(own))):
            for instrument in _instruments(stretches):
                missing_ms = _missing_ms(stretches, instrument, hour_ms)
                if missing_ms <= BRIEF_MS:
                    completeness = "sampled" if missing_ms else feed(exchange, recording.ENDPOINT).completeness
                    found.append(CoveredHour(exchange, instrument, hour_ms, completeness, source))
    return found


def _recorded_hours(recordings: pl.DataFrame) -> Iterator[int]:
    for payload in recordings.iter_rows(named=True):
        try:
            recording.check_heard(payload["exchange"], payload["body"])
        except ExchangeError:
            continue
        if (end_ms := request_of(payload).end_ms) is not None:
            yield end_ms


def _instruments(stretches: Iterable[recording.Listened]) -> list[str | None]:
    named = {name for each in stretches for name in each.instruments or ()}
    return [*sorted(named), *([None] if any(each.instruments is None for each in stretches) else [])]


def _missing_ms(stretches: Iterable[recording.Listened], instrument: str | None, hour_ms: int) -> int:
    """Return the ms not recorded of the hour and of LATENESS_MS after it, in which its last events arrive."""
    at, end = hour_ms - HOUR_MS, hour_ms + recording.LATENESS_MS
    missing = 0
    own = [s for s in stretches if s.instruments is None or instrument in s.instruments]
    for each in sorted(own, key=lambda s: s.start_ms):
        missing += max(0, min(each.start_ms, end) - at)
        at = max(at, min(each.end_ms, end))
    return missing + max(0, end - at)
