"""Payloads imported from files, beside those that exchanges answered.

A body holds the rows of one series, one contract and one day: a JSON object per line, with the columns of `SERIES` that
have values. The request names these rows and, for realised liquidations, states whether the hours are complete.
"""

from __future__ import annotations

import polars as pl

from transforms.exchanges.parsing.rows import Rows
from transforms.exchanges.protocol import SERIES, BadPayload, Request, Response

_PREFIX = "import_"
_SERIES = ("instruments", "open_interest", "mark_bars", "trade_bars", "realised_liquidations")
ENDPOINTS = {f"{_PREFIX}{series}": (series,) for series in _SERIES}
"""Endpoint of an imported payload -> the series it carries."""


def endpoint(series: str) -> str:
    """Return the endpoint under which rows of `series` are imported."""
    return f"{_PREFIX}{series}"


def is_imported() -> pl.Expr:
    """Select the rows that come from imports, in any table with a `source` column."""
    return pl.col("source").str.starts_with("imported")


def body_of(series: str, rows: pl.DataFrame) -> bytes:
    """Encode `rows` of `series` as a body; the same rows give the same bytes."""
    columns = [c for c in SERIES[series] if c in rows.columns and rows[c].null_count() < rows.height]
    return rows.select(pl.col(c).cast(SERIES[series][c]) for c in columns).write_ndjson().encode()


def parse(request: Request, response: Response) -> dict[str, Rows]:
    """Parse an imported payload into rows by its one series. Raises BadPayload for a damaged body."""
    (series,) = ENDPOINTS[request.endpoint]
    if not response.body:
        return {series: Rows.of(series, 0)}
    try:
        frame = pl.read_ndjson(response.body, schema=SERIES[series])
    except pl.exceptions.PolarsError as error:
        raise BadPayload("an imported body is damaged; import its file again") from error
    return {series: Rows(frame.to_dict(as_series=False))}


def is_complete(request: Request) -> bool:
    """Return whether the importer declared that the file holds every realised liquidation of the window."""
    return dict(request.params).get("complete") == "true"
