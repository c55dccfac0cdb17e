"""Parsing of stored payloads into rows: the only way from `raw.payloads` to the `core` tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from transforms.exchanges import adapter, imported, recording
from transforms.exchanges.parsing.rows import Rows
from transforms.exchanges.protocol import EDITION, SERIES, ExchangeError, Request, Response, Row

_EPOCH, _MILLISECOND = datetime(1970, 1, 1), timedelta(milliseconds=1)
STORED = ("window_start_utc", "date")
"""Columns of raw.payloads that give the day of a payload."""

_ATTRIBUTES = ("exchange", "endpoint", "source", "received_at_utc")


def request_of(payload: dict[str, Any]) -> Request:
    """Return the request of a row of raw.payloads."""
    _, _, url = str(payload["request"]).partition(" ")
    path, _, query = url.partition("?")
    params = tuple((k, v) for k, _, v in (part.partition("=") for part in query.split("&") if part))
    return Request(
        exchange=payload["exchange"],
        endpoint=payload["endpoint"],
        path=path,
        params=params,
        instrument=payload["instrument"],
        start_ms=_ms(payload["window_start_utc"]),
        end_ms=_ms(payload["window_end_utc"]),
    )


def response_of(payload: dict[str, Any]) -> Response:
    """Return the response of a row of raw.payloads."""
    received = _ms(payload["received_at_utc"])
    return Response(payload["status"], json.loads(payload["headers"]), payload["body"], received or 0)


def rows(payloads: pl.DataFrame, series: str, *, also: Sequence[str] = ()) -> pl.DataFrame:
    """Return every row of `series` in the payloads, with the `_ATTRIBUTES` of its payload, by rising precedence.

    A later answer takes precedence over an earlier one, and an exchange's own over any import. Of a file only the
    edition received last counts. A payload that is not data (an error, a truncated body) gives no rows; its outcome is
    in ops.fetches. `also` names further columns of the payloads to repeat on each row.
    """
    carriers = carrying(payloads, series)
    found: dict[str, tuple[int, Sequence[Row]]] = {}
    for number, payload in enumerate(carriers.iter_rows(named=True)):
        parsed = _parse(payload, series)
        if parsed is not None:
            file, edition, _ = str(payload["request"]).partition(f"?{EDITION}=")
            key = f"{payload['exchange']} {file} {payload['window_start_utc']}" if edition else f"{number}"
            found.pop(key, None)  # a later edition moves to the end
            found[key] = (number, parsed)
    columns: dict[str, list[Any]] = {column: [] for column in SERIES[series]}
    for _, parsed in found.values():
        for column, values in Rows.gathered(columns, parsed).columns.items():
            columns[column] += values
    numbers = [number for number, parsed in found.values() for _ in range(len(parsed))]
    return pl.DataFrame(columns, schema=SERIES[series]).hstack(carriers.select(*_ATTRIBUTES, *also)[numbers])


def of_its_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Drop rows of a day before the one under which their payload is stored, and the columns `STORED`.

    That earlier day may have been built before the payload came, or may be built without it.
    """
    stored = pl.coalesce(pl.col("window_start_utc").dt.date(), "date")
    return rows.filter(pl.from_epoch("time_ms", "ms").dt.date() >= stored).drop(STORED)


def carrying(payloads: pl.DataFrame, series: str) -> pl.DataFrame:
    """Return the payloads of endpoints that carry `series`: imports, then the exchanges' own, each by time of receipt.

    If the same rows were imported again under the same name, the last import counts.
    """
    exchanges = payloads["exchange"].unique().to_list()
    shared = {**imported.ENDPOINTS, recording.ENDPOINT: ("realised_liquidations",)}
    known = {e: {**adapter(e).ENDPOINTS, **shared} for e in exchanges}
    wanted = [f"{e} {name}" for e, endpoints in known.items() for name, held in endpoints.items() if series in held]
    carries = (pl.col("exchange") + " " + pl.col("endpoint")).is_in(wanted)
    order = (~imported.is_imported(), "received_at_utc", "exchange", "endpoint", "request")
    found = payloads.filter(carries).sort(order, maintain_order=True)
    same = pl.struct("exchange", "endpoint", "request", "source")
    return found.filter(~imported.is_imported() | same.is_last_distinct())


def _parse(payload: dict[str, Any], series: str) -> Sequence[Row] | None:
    parse = imported.parse if payload["endpoint"] in imported.ENDPOINTS else adapter(payload["exchange"]).parse
    try:
        if payload["endpoint"] == recording.ENDPOINT:
            return recording.rows(payload["exchange"], payload["body"])
        return parse(request_of(payload), response_of(payload)).get(series, [])
    except ExchangeError:
        return None


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND
