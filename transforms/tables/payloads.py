"""raw.payloads: exchange responses, unchanged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import polars as pl

from expectations.tables import table
from transforms.exchanges.protocol import Request, Response
from transforms.hourly.hours import DAY_MS

_HEADERS = (
    "content-type",
    "date",
    "retry-after",
    "x-mbx-used-weight-1m",
    "x-bapi-limit-reset-timestamp",
    "x-simulated",
    "x-recorded",
)


def build(exchanges: Iterable[tuple[Request, int, Response]], *, source: str) -> pl.DataFrame:
    """Return one row per (request, time sent in unix ms, response), error bodies included."""
    columns = table("payloads").schema
    rows = [_row(request, sent_ms, response, source) for request, sent_ms, response in exchanges]
    times = [c for c in columns if c.endswith("_utc")]
    raw = pl.DataFrame(rows, schema=columns | dict.fromkeys((*times, "date"), pl.Int64), orient="row")
    return raw.with_columns(
        *(pl.from_epoch(c, "ms").cast(columns[c]) for c in times), pl.from_epoch(pl.col("date") * 86_400, "s").dt.date()
    )


def digest(body: bytes) -> str:
    """Return the SHA-256 of `body` in hex."""
    return hashlib.sha256(body).hexdigest()


def _row(request: Request, sent_ms: int, response: Response, source: str) -> dict[str, object]:
    return {
        "exchange": request.exchange,
        "date": (response.received_ms if request.start_ms is None else request.start_ms) // DAY_MS,
        "endpoint": request.endpoint,
        "request": request.key,
        "received_at_utc": response.received_ms,
        "sent_at_utc": min(sent_ms, response.received_ms),
        "instrument": request.instrument,
        "window_start_utc": request.start_ms,
        "window_end_utc": request.end_ms,
        "source": source,
        "status": response.status,
        "headers": json.dumps({k: response.headers[k] for k in _HEADERS if k in response.headers}),
        "body": response.body,
        "sha256": digest(response.body),
    }
