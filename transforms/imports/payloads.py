"""Imported rows as rows of raw.payloads, one per contract, series and day, so that rebuilds of core include them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from transforms.exchanges.imported import body_of, endpoint
from transforms.exchanges.protocol import Request, Response
from transforms.hourly.hours import DAY_MS, HOUR_MS
from transforms.imports.contracts import Contract
from transforms.tables import payloads

_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S%.3fZ"


def day_payloads(
    rows: pl.DataFrame, series: str, exchange: str, *, source: str, received_ms: int, complete: bool = False
) -> pl.DataFrame:
    """Return `rows` of `series` as payloads by contract and day; each window spans the full hours of its rows.

    As with exchanges, a reading at midnight belongs to the day that ends. `complete` rows cover every full hour between
    the first and the last of all of them, so a day without rows gets an empty payload.
    """
    parts = _every_day(rows) if complete else _days_with_rows(rows)
    requests = [
        (_request(exchange, series, instrument, own, window, complete=complete), own)
        for instrument, own, window in parts
    ]
    answers = (
        (request, received_ms, Response(200, {}, body_of(series, own), received_ms)) for request, own in requests
    )
    return _mark_imported(payloads.build(answers, source=source))


def instrument_payload(contracts: Iterable[Contract], exchange: str, *, source: str, received_ms: int) -> pl.DataFrame:
    """Return a listing payload of the contracts that are new; no rows without any."""
    new = sorted((c for c in contracts if c.is_new), key=lambda each: each.instrument)
    listing = pl.DataFrame(
        [
            {
                "instrument": c.instrument,
                "coin": c.coin,
                "kind": c.kind,
                "contract_base": c.contract_base,
                "contract_usd": c.contract_usd,
                "unit_multiplier": c.unit_multiplier,
                "status": "trading",
            }
            for c in new
        ]
    )
    names = ",".join(c.instrument for c in new)
    request = Request(exchange, endpoint("instruments"), "instruments", (("instruments", names),))
    requests = [(request, received_ms, Response(200, {}, body_of("instruments", listing), received_ms))] if new else []
    return _mark_imported(payloads.build(requests, source=source))


Window = tuple[int, int]


def _days_with_rows(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame, Window]]:
    for (instrument, _), own in (
        rows.with_columns(_day(rows)).partition_by("instrument", "__day", as_dict=True, maintain_order=True).items()
    ):
        first, last = _extent(own)
        yield str(instrument), own.drop("__day"), (first // HOUR_MS * HOUR_MS, -(-last // HOUR_MS) * HOUR_MS)


def _every_day(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame, Window]]:
    first, last = _extent(rows)
    begin, end = -(-first // HOUR_MS) * HOUR_MS, last // HOUR_MS * HOUR_MS
    dated = rows.with_columns(_day(rows))
    for instrument in rows["instrument"].unique().sort():
        for day in range(first // DAY_MS, last // DAY_MS + 1):
            own = dated.filter((pl.col("instrument") == instrument) & (pl.col("__day") == day)).drop("__day")
            start, stop = max(begin, day * DAY_MS), min(end, (day + 1) * DAY_MS)
            yield instrument, own, (start, stop) if start < stop else (day * DAY_MS, day * DAY_MS)


def _day(rows: pl.DataFrame) -> pl.Expr:
    moment = pl.col("open_ms") if "open_ms" in rows.columns else pl.col("time_ms") - 1
    return (moment // DAY_MS).alias("__day")


def _extent(rows: pl.DataFrame) -> tuple[int, int]:
    """Return the window (unix ms) of the rows: from the first bar's open to the last bar's end.

    For readings and events: from 1 ms before the first to the last.
    """
    if "open_ms" in rows.columns:
        ends = rows["open_ms"] + rows["interval_minutes"] * 60_000
        return int(rows["open_ms"].min()), int(ends.max())  # type: ignore[arg-type]
    return int(rows["time_ms"].min()) - 1, int(rows["time_ms"].max())  # type: ignore[arg-type]


def _request(
    exchange: str, series: str, instrument: str, own: pl.DataFrame, window: Window, *, complete: bool
) -> Request:
    start, end = _extent(own) if own.height else window
    texts = pl.Series([start, end]).cast(pl.Datetime("ms")).dt.strftime(_TIME_FORMAT).to_list()
    params = [
        ("instrument", instrument),
        ("from", texts[0]),
        ("to", texts[1]),
        *([("complete", "true")] if complete else []),
    ]
    return Request(
        exchange, endpoint(series), series, tuple(params), instrument=instrument, start_ms=window[0], end_ms=window[1]
    )


def _mark_imported(frame: pl.DataFrame) -> pl.DataFrame:
    """Write IMPORT in place of GET: no request was sent."""
    return frame.with_columns(pl.col("request").str.replace("^GET ", "IMPORT "))
