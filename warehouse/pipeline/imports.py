"""Import of third-party files into raw.payloads and the core tables of their days, all-or-nothing per file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl
from filelock import FileLock

from expectations.tables import load, table
from transforms.exchanges.imported import is_imported
from transforms.hourly.hours import HOUR
from transforms.imports.contracts import Contract, ContractHints, contracts, names, own_rows
from transforms.imports.layout import Layout, Refused
from transforms.imports.payloads import day_payloads, instrument_payload
from transforms.imports.series import INSTRUMENT, ImportContext, read
from warehouse.catalog import build as catalog
from warehouse.clock import days, floor_hour, from_ms
from warehouse.errors import ChecksFailed, UserError
from warehouse.ingest.exchanges import market_clock
from warehouse.ingest.files.reader import read_file
from warehouse.ingest.request_log import move_after
from warehouse.pipeline.run import commit, make
from warehouse.pipeline.run_log import RunSummary
from warehouse.plan import Plan
from warehouse.progress import Progress
from warehouse.settings import Settings
from warehouse.storage.layout import Key
from warehouse.storage.locks import lock
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store, open_store

PAYLOADS, INSTRUMENTS, BARS = table("payloads"), table("instruments"), table("price_bars")
_TABLES = tuple(t.name for t in load().values() if t.inputs and t.layer in ("core", "ops"))
_SAME = ["exchange", "endpoint", "request", "source"]


@dataclass(frozen=True)
class ImportRequest:
    """One file of one exchange.

    instrument: the contract of all rows, or None if a column has it. hints: facts on contracts not listed yet.
    name: the name of the provider, or None.
    """

    file: Path
    exchange: str
    layout: Layout
    instrument: str | None = None
    hints: ContractHints = field(default_factory=ContractHints)
    name: str | None = None

    @property
    def source(self) -> str:
        """The value of the column `source`."""
        return f"imported:{self.name}" if self.name else "imported"


@dataclass(frozen=True)
class Imported:
    """The result of an import.

    duplicates: duplicate rows. foreign_rows: rows of other exchanges. first_hour, last_hour: the hours that the rows
    cover. makes_stale: whether later hours are published already, and so become stale.
    """

    request: ImportRequest
    rows: int
    duplicates: int
    foreign_rows: int
    contracts: list[Contract]
    first_hour: datetime
    last_hour: datetime
    days: int
    makes_stale: bool
    checks: int = 0
    warnings: tuple[str, ...] = ()
    published: int = 0


def import_file(settings: Settings, request: ImportRequest, progress: Progress) -> Imported:
    """Check the file and publish it with the core tables of its days; `published` is 0 if it adds nothing new.

    Raises UserError, and changes nothing, for a faulty file or rows that fail a check; Busy if another run holds the
    warehouse.
    """
    if settings.source == "simulated":
        raise UserError("a warehouse of simulated data cannot import real market data; set LIQ_SOURCE=live or recorded")
    now_ms = market_clock(settings)()
    store = open_store(settings.root, settings.source, create=True)
    with FileLock(settings.root / f".lock.{request.exchange}"):
        with lock(settings.root, settings.wait_s, progress):
            commit(store)  # first finish an import that was killed while publishing
        progress.stage("read", 1, "files")
        try:
            found, result, payloads = _read(store, request, now_ms)
            progress.step(rows=result.rows)
            return _published(store, settings, result, _new(store, payloads), found, progress)
        except Refused as error:
            raise UserError(f"{request.file.name}: {error}") from error
        except ChecksFailed as error:
            raise UserError(f"{request.file.name}: nothing was imported: {error}") from error


def _read(store: Store, request: ImportRequest, now_ms: int) -> tuple[list[Contract], Imported, pl.DataFrame]:
    layout, exchange = request.layout, request.exchange
    frame = read_file(request.file, layout)
    at = layout.found(frame.columns)
    own = own_rows(frame, at, exchange)
    named, by_coin = names(own, at, request.instrument)
    listed = store.read(INSTRUMENTS, [{"exchange": exchange}])
    by_name = contracts(listed, exchange, named.unique().sort(), request.hints, by_coin=by_coin)
    instruments = named.replace_strict({n: c.instrument for n, c in by_name.items()}, return_dtype=pl.String)
    found = list(by_name.values())
    sizes = {c.instrument: c.contract_base for c in found}
    marks = _marks(store, found, exchange) if layout.form == "liquidation_sums" else pl.DataFrame(_MARKS)
    rows = read(own.with_columns(instruments.alias(INSTRUMENT)), layout, ImportContext(now_ms, sizes, marks))
    if rows.is_empty():
        raise Refused("none of its rows has a value")
    payloads = day_payloads(
        rows, layout.series, exchange, source=request.source, received_ms=now_ms, complete=layout.complete
    )
    listing = instrument_payload(found, exchange, source=request.source, received_ms=now_ms)
    first, last = payloads["window_start_utc"].min(), payloads["window_end_utc"].max()
    assert isinstance(first, datetime)
    assert isinstance(last, datetime)
    last = min(last, floor_hour(from_ms(now_ms)))
    twice = 0 if layout.series == "realised_liquidations" else own.height - rows.height
    watermark = store.read(table("watermark"), [{}])["hour_utc"].to_list()
    of_days = payloads["date"].n_unique()
    result = Imported(
        request, rows.height, twice, frame.height - own.height, found, first + HOUR, last, of_days,
        bool(watermark and watermark[0] > first),
    )  # fmt: skip
    return found, result, pl.concat([listing, payloads])


_MARKS = pl.Schema({"instrument": pl.String(), "time_ms": pl.Int64(), "price": pl.Float64()})


def _marks(store: Store, found: list[Contract], exchange: str) -> pl.DataFrame:
    """Return closes of core.price_bars at the end of each bar, per unit of the instrument's name."""
    keys = [key for coin in sorted({c.coin for c in found}) for key in store.keys(BARS, coin=coin)]
    units = pl.DataFrame({"instrument": [c.instrument for c in found], "unit": [c.unit_multiplier for c in found]})
    ended = pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes"))
    bars = store.read(BARS, keys).filter(pl.col("exchange") == exchange).join(units, on="instrument")
    return bars.select(
        "instrument", (ended.dt.epoch("ms")).alias("time_ms"), (pl.col("close") * pl.col("unit")).alias("price")
    )


def _new(store: Store, payloads: pl.DataFrame) -> list[tuple[Key, pl.DataFrame, pl.DataFrame]]:
    """Return the stored and the new payloads of each partition with new ones.

    New payloads get a later receipt time than the stored ones, since the last import wins.
    """
    new: list[tuple[Key, pl.DataFrame, pl.DataFrame]] = []
    for (exchange, day), own in payloads.partition_by("exchange", "date", as_dict=True, maintain_order=True).items():
        key = {"exchange": exchange, "date": day}
        stored = store.read(PAYLOADS, [key])
        newest = stored.filter(is_imported()).sort("received_at_utc").unique(_SAME, keep="last")
        changed = own.join(newest, on=[*_SAME, "sha256"], how="anti")
        if changed.height:
            new.append((key, stored, move_after(stored, changed)))
    return new


def _published(
    store: Store,
    settings: Settings,
    result: Imported,
    new: list[tuple[Key, pl.DataFrame, pl.DataFrame]],
    found: list[Contract],
    progress: Progress,
) -> Imported:
    if not new:
        catalog.build(store.root)  # the import that published the file may have been killed before it wrote the catalog
        return result
    plan = Plan(
        result.first_hour,
        max(result.first_hour, result.last_hour),
        tuple(sorted({c.coin for c in found})),
        (result.request.exchange,),
        retry_failed=False,
        tables=_TABLES,
        days=tuple(_touched(pl.concat([fresh for _, _, fresh in new]))),
        whole=True,
    )

    def with_file(stage: Stage) -> None:
        for key, stored, fresh in new:
            stage.store.write(PAYLOADS, PAYLOADS.conform(pl.concat([stored, fresh])), key)

    summary = RunSummary.of(plan, settings)
    make(store, settings, plan, progress, summary, fill_stage=with_file)
    catalog.build(store.root)
    return replace(result, checks=summary.checks, warnings=tuple(summary.warnings), published=summary.published)


def _touched(payloads: pl.DataFrame) -> list[date]:
    """Return the days of the payloads. A window that ends at midnight includes the first reading of the next day."""
    windows = payloads.drop_nulls("window_start_utc").select("window_start_utc", "window_end_utc").unique()
    return sorted({day for start, end in windows.iter_rows() for day in days(start.date(), end.date())})
