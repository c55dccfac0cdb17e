"""Imported rows as rows of raw.payloads: one for each contract, series and day, so that core is rebuilt with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from transforms.exchanges.imported import body_of, endpoint
from transforms.exchanges.protocol import Request, Response
from transforms.imports.contracts import Contract
from transforms.tables import payloads

_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000
_TOLD = "%Y-%m-%dT%H:%M:%S%.3fZ"


def day_payloads(
    rows: pl.DataFrame, series: str, exchange: str, *, source: str, received_ms: int, complete: bool = False
) -> pl.DataFrame:
    """`rows` of `series` by contract and day; the window of each is the full hours that its rows lie in.

    As with exchanges, a reading at midnight is of the day that ends. Rows that are `complete` tell of every full hour
    between the first and the last of all of them, so days without a row are there too, empty.
    """
    made = _complete(rows) if complete else _found(rows)
    asked = [
        (_request(exchange, series, instrument, own, window, complete=complete), own)
        for instrument, own, window in made
    ]
    answers = ((request, received_ms, Response(200, {}, body_of(series, own), received_ms)) for request, own in asked)
    return _said(payloads.build(answers, source=source))


def instrument_payload(contracts: Iterable[Contract], exchange: str, *, source: str, received_ms: int) -> pl.DataFrame:
    """The contracts that no exchange has listed yet, as a listing; no rows where there are none."""
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
    asked = [(request, received_ms, Response(200, {}, body_of("instruments", listing), received_ms))] if new else []
    return _said(payloads.build(asked, source=source))


Window = tuple[int, int]


def _found(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame, Window]]:
    for (instrument, _), own in (
        rows.with_columns(_day(rows)).partition_by("instrument", "__day", as_dict=True, maintain_order=True).items()
    ):
        first, last = _extent(own)
        yield str(instrument), own.drop("__day"), (first // _HOUR_MS * _HOUR_MS, -(-last // _HOUR_MS) * _HOUR_MS)


def _complete(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame, Window]]:
    first, last = _extent(rows)
    begin, end = -(-first // _HOUR_MS) * _HOUR_MS, last // _HOUR_MS * _HOUR_MS
    dated = rows.with_columns(_day(rows))
    for instrument in rows["instrument"].unique().sort():
        for day in range(first // _DAY_MS, last // _DAY_MS + 1):
            own = dated.filter((pl.col("instrument") == instrument) & (pl.col("__day") == day)).drop("__day")
            start, stop = max(begin, day * _DAY_MS), min(end, (day + 1) * _DAY_MS)
            yield instrument, own, (start, stop) if start < stop else (day * _DAY_MS, day * _DAY_MS)


def _day(rows: pl.DataFrame) -> pl.Expr:
    moment = pl.col("open_ms") if "open_ms" in rows.columns else pl.col("time_ms") - 1
    return (moment // _DAY_MS).alias("__day")


def _extent(rows: pl.DataFrame) -> tuple[int, int]:
    """The moment before the first row, and the last: when a bar ends, or the reading."""
    if "open_ms" in rows.columns:
        ends = rows["open_ms"] + rows["interval_minutes"] * 60_000
        return int(rows["open_ms"].min()), int(ends.max())  # type: ignore[arg-type]
    return int(rows["time_ms"].min()) - 1, int(rows["time_ms"].max())  # type: ignore[arg-type]


def _request(
    exchange: str, series: str, instrument: str, own: pl.DataFrame, window: Window, *, complete: bool
) -> Request:
    start, end = _extent(own) if own.height else window
    told = pl.Series([start, end]).cast(pl.Datetime("ms")).dt.strftime(_TOLD).to_list()
    params = [
        ("instrument", instrument),
        ("from", told[0]),
        ("to", told[1]),
        *([("complete", "true")] if complete else []),
    ]
    return Request(
        exchange, endpoint(series), series, tuple(params), instrument=instrument, start_ms=window[0], end_ms=window[1]
    )


def _said(made: pl.DataFrame) -> pl.DataFrame:
    """Nobody was sent a GET."""
    return made.with_columns(pl.col("request").str.replace("^GET ", "IMPORT "))
