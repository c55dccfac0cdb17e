"""Hours for which an importer declared a file to be complete."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from transforms.coverage.covered_hour import CoveredHour
from transforms.exchanges.imported import is_complete, parse
from transforms.exchanges.protocol import ExchangeError
from transforms.exchanges.replay import request_of, response_of
from transforms.hourly.hours import HOUR_MS


def imported_hours(imports: pl.DataFrame) -> Iterator[CoveredHour]:
    """Yield every full hour of the complete imports (rows of raw.payloads), the last row's hours first."""
    for payload in imports.reverse().iter_rows(named=True):
        request = request_of(payload)
        if not is_complete(request) or request.start_ms is None or request.end_ms is None:
            continue
        try:
            parse(request, response_of(payload))
        except ExchangeError:
            continue
        for hour_ms in range(request.start_ms + HOUR_MS, request.end_ms + 1, HOUR_MS):
            yield CoveredHour(request.exchange, request.instrument, hour_ms, "complete", payload["source"])
