"""Stored payloads back into rows: the one way from `raw.payloads` to every `core` table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import polars as pl

from transforms.exchanges import adapter, recording
from transforms.exchanges.protocol import EDITION, SERIES, ExchangeError, Request, Response, Row

_ABOUT = ("exchange", "endpoint", "source", "received_at_utc")


def request_of(payload: dict[str, Any]) -> Request:
    """The question of a row of raw.payloads."""
    path, _, query = str(payload["request"]).removeprefix("GET ").partition("?")
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
    """Every row of `series` that the payloads hold, with what `_ABOUT` names of its payload; later answers come last.

    `also`: further columns of the payloads to have beside each row. A payload that is no data (an error, a truncated
    body) gives none: what came of it stands in ops.fetches. Of a file only the edition that came last counts.
    """
    names = (*_ABOUT, *also)
    found: dict[str, list[Row]] = {}
    for number, payload in enumerate(carrying(payloads, series).iter_rows(named=True)):
        parsed = _parsed(payload, series)
        if parsed is not None:
            file, edition, _ = str(payload["request"]).partition(f"?{EDITION}=")
            question = f"{payload['exchange']} {file}" if edition else f"{number}"
            found.pop(question, None)  # what came last stands last
            found[question] = [row | {k: payload[k] for k in names} for row in parsed]
    schema = SERIES[series] | {k: payloads.schema[k] for k in names}
    return pl.DataFrame([row for each in found.values() for row in each], schema=schema, orient="row")


def carrying(payloads: pl.DataFrame, series: str) -> pl.DataFrame:
    """The payloads of endpoints that carry `series`, in order of receipt."""
    exchanges = payloads["exchange"].unique().to_list()
    wanted = [f"{e} {name}" for e in exchanges for name, given in adapter(e).ENDPOINTS.items() if series in given]
    if series == "realised_liquidations":
        wanted += [f"{e} {recording.ENDPOINT}" for e in exchanges]
    carries = (pl.col("exchange") + " " + pl.col("endpoint")).is_in(wanted)
    return payloads.filter(carries).sort("received_at_utc", "exchange", "endpoint", "request", maintain_order=True)


def _parsed(payload: dict[str, Any], series: str) -> list[Row] | None:
    try:
        if payload["endpoint"] == recording.ENDPOINT:
            return recording.rows(payload["exchange"], payload["body"])
        return adapter(payload["exchange"]).parse(request_of(payload), response_of(payload)).get(series, [])
    except ExchangeError:
        return None


def _ms(moment: Any) -> int | None:
    return None if moment is None else int(pl.Series([moment]).dt.epoch("ms").item())
