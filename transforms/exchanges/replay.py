"""Stored payloads back into rows: the one way from `raw.payloads` to every `core` table."""

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
"""Columns of raw.payloads that tell of which day a payload is."""

_ATTRIBUTES = ("exchange", "endpoint", "source", "received_at_utc")


def request_of(payload: dict[str, Any]) -> Request:
    """The question of a row of raw.payloads."""
    _, _, question = str(payload["request"]).partition(" ")
    path, _, query = question.partition("?")
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
    """The answer of a row of raw.payloads."""
    received = _ms(payload["received_at_utc"])
    return Response(payload["status"], json.loads(payload["headers"]), payload["body"], received or 0)


def rows(payloads: pl.DataFrame, series: str, *, also: Sequence[str] = ()) -> pl.DataFrame:
    """Every row of `series` that the payloads hold, with what `_ATTRIBUTES` names of its payload; what counts comes last.

    A later answer counts more than an earlier one, and an exchange's own more than any import. Of a file only the edition
    that came last counts. A payload that is no data (an error, a truncated body) gives no rows: what came of it stands
    in ops.fetches. `also`: further columns of the payloads to have beside each row.
    """
    told = carrying(payloads, series)
    found: dict[str, tuple[int, Sequence[Row]]] = {}
    for number, payload in enumerate(told.iter_rows(named=True)):
        parsed = _parsed(payload, series)
        if parsed is not None:
            file, edition, _ = str(payload["request"]).partition(f"?{EDITION}=")
            question = f"{payload['exchange']} {file} {payload['window_start_utc']}" if edition else f"{number}"
            found.pop(question, None)  # what came last stands last
            found[question] = (number, parsed)
    columns: dict[str, list[Any]] = {column: [] for column in SERIES[series]}
    for _, parsed in found.values():
        for column, values in Rows.gathered(columns, parsed).columns.items():
            columns[column] += values
    of = [number for number, parsed in found.values() for _ in range(len(parsed))]
    return pl.DataFrame(columns, schema=SERIES[series]).hstack(told.select(*_ATTRIBUTES, *also)[of])


def of_its_days(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with `STORED` beside them, without those of a day before the one under which their payload is stored.

    That day may have been built before the payload came, or may be built without it.
    """
    stored = pl.coalesce(pl.col("window_start_utc").dt.date(), "date")
    return rows.filter(pl.from_epoch("time_ms", "ms").dt.date() >= stored).drop(STORED)


def carrying(payloads: pl.DataFrame, series: str) -> pl.DataFrame:
    """The payloads of endpoints that carry `series`: imports, then the exchanges' own, each in order of receipt.

    Of the same rows imported again under the same name, the last import counts.
    """
    exchanges = payloads["exchange"].unique().to_list()
    beside = {**imported.ENDPOINTS, recording.ENDPOINT: ("realised_liquidations",)}
    known = {e: {**adapter(e).ENDPOINTS, **beside} for e in exchanges}
    wanted = [f"{e} {name}" for e, endpoints in known.items() for name, given in endpoints.items() if series in given]
    carries = (pl.col("exchange") + " " + pl.col("endpoint")).is_in(wanted)
    order = (~imported.is_imported(), "received_at_utc", "exchange", "endpoint", "request")
    found = payloads.filter(carries).sort(order, maintain_order=True)
    same = pl.struct("exchange", "endpoint", "request", "source")
    return found.filter(~imported.is_imported() | same.is_last_distinct())


def _parsed(payload: dict[str, Any], series: str) -> Sequence[Row] | None:
    parse = imported.parse if payload["endpoint"] in imported.ENDPOINTS else adapter(payload["exchange"]).parse
    try:
        if payload["endpoint"] == recording.ENDPOINT:
            return recording.rows(payload["exchange"], payload["body"])
        return parse(request_of(payload), response_of(payload)).get(series, [])
    except ExchangeError:
        return None


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MILLISECOND
