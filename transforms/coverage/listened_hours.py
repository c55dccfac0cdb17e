"""The hours in which an exchange's stream of liquidations was listened to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from transforms.coverage.covered_hour import CoveredHour
from transforms.exchanges import recording
from transforms.exchanges.feeds import feed
from transforms.exchanges.protocol import ExchangeError
from transforms.exchanges.replay import request_of

BRIEF_MS = 60_000
"""What may be missing of an hour in all, reconnections for the most part: then it counts as no more than a sample."""

_HOUR_MS = 3_600_000


def listened_hours(recordings: pl.DataFrame) -> list[CoveredHour]:
    """Every hour of the recordings (rows of raw.payloads) that was listened to, but for a brief part."""
    found: list[CoveredHour] = []
    for (exchange, source), own in recordings.partition_by("exchange", "source", as_dict=True).items():
        stretches = [each for body in own["body"] for each in recording.listened(body)]
        for hour_ms in sorted(set(_heard(own))):
            for instrument in _instruments(stretches):
                missing_ms = _missing_ms(stretches, instrument, hour_ms)
                if missing_ms <= BRIEF_MS:
                    known = "sampled" if missing_ms else feed(exchange, recording.ENDPOINT).completeness
                    found.append(CoveredHour(exchange, instrument, hour_ms, known, source))
    return found


def _heard(recordings: pl.DataFrame) -> Iterator[int]:
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
    """How much of the hour, and of the moments after it in which its last events are told, was not listened to."""
    at, end = hour_ms - _HOUR_MS, hour_ms + recording.LATENESS_MS
    missing = 0
    own = [s for s in stretches if s.instruments is None or instrument in s.instruments]
    for each in sorted(own, key=lambda s: s.start_ms):
        missing += max(0, min(each.start_ms, end) - at)
        at = max(at, min(each.end_ms, end))
    return missing + max(0, end - at)
