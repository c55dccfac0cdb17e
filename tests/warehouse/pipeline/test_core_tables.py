"""Core tables from days of payloads: a day does not depend on the other days of its build."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from expectations.tables import table
from tests.transforms.exchanges.archive import checksum_of, file_of, zipped
from tests.warehouse.trial import CORE, build
from transforms.exchanges import recording
from transforms.exchanges.bybit import adapter as bybit
from transforms.exchanges.protocol import Instrument, Request, Response
from transforms.tables import fetches, payloads
from warehouse.clock import from_ms, to_ms
from warehouse.plan import Plan
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

DAYS = [date(2026, 1, 5) + timedelta(n) for n in range(4)]
MIDNIGHTS = [to_ms(datetime(day.year, day.month, day.day)) for day in DAYS]
DAY_MS, STEP = 86_400_000, 300_000
PLAN = Plan(
    datetime(2026, 1, 5, 1), datetime(2026, 1, 8, 23), ("BTC",), ("binance", "bybit"), False, tables=(*CORE[2:], "gaps")
)


def price(at_ms: int) -> float:
    """Return a price that differs between neighbouring five-minute bars."""
    return 90_000.0 + (at_ms // STEP * 7919) % 1000


def klines(instrument: str, day_ms: int) -> tuple[Request, bytes]:
    asked = next(
        request
        for request in bybit.history([Instrument("bybit", instrument, "BTC")], day_ms, day_ms + DAY_MS)
        if request.endpoint == "mark_bars"
    )
    bars = [[str(t), *[f"{price(t + STEP)}"] * 4] for t in range(day_ms, day_ms + DAY_MS, STEP)]
    said = {"retCode": 0, "result": {"category": "linear", "symbol": instrument, "list": bars[::-1]}}
    return asked, json.dumps(said).encode()


def archived(day_ms: int, early_ms: int) -> Iterator[tuple[Request, bytes]]:
    """Yield a day's archive files: bars, and snapshots with labels `early_ms` before their time."""
    bars = checksum_of("archive_mark_bars", day_ms)
    lines = [
        f"{t},{p},{p},{p},{p},0,{t + STEP - 1},0,300,0,0,0"
        for t in range(day_ms, day_ms + DAY_MS, STEP)
        for p in [price(t + STEP)]
    ]
    snapshots = checksum_of("archive_metrics", day_ms)
    told = [
        f"{at - early_ms},BTCUSDT,2.0,{2 * price(at)},1.5,1,3,1"
        for at in range(day_ms + STEP, day_ms + DAY_MS + STEP, STEP)
    ]
    for asked, text in ((bars, "\n".join(lines)), (snapshots, "\n".join(told))):
        body = zipped(asked, text)
        yield file_of(asked, body), body


def heard(day_ms: int) -> tuple[Request, bytes]:
    """Return the first hour of a day of Bybit's stream, with an event of the second before midnight."""
    data = [{"T": day_ms + t, "s": "BTCUSDT", "S": "Buy", "v": "2", "p": "90000"} for t in (-1000, 2000)]
    said = recording.line(day_ms + 3000, said=json.dumps({"topic": "allLiquidation.BTCUSDT", "data": data}))
    begun = recording.line(day_ms, mark=recording.SUBSCRIBED, instruments=None)
    asked = Request("bybit", recording.ENDPOINT, "/stream", start_ms=day_ms, end_ms=day_ms + 3_600_000)
    return asked, begun + said


@pytest.fixture
def raw(tmp_path: Path) -> Store:
    store = Store(tmp_path / "raw")
    for place, at in enumerate(MIDNIGHTS):
        answers = [*archived(at, STEP if place > 1 else 0), heard(at)]
        answers += [klines("BTCUSDT", at)] if place != 2 else []
        late = at + 40 * DAY_MS
        came = payloads.build([(r, late, Response(200, {}, body, late)) for r, body in answers], source="simulated")
        store.write_partitions(table("payloads"), came)
        store.write_partitions(table("fetches"), fetches.build(outcome(r, late) for r, _ in answers))
    versions = [contract(exchange) for exchange in ("binance", "bybit")]
    for each in versions:
        store.write(table("instruments"), each, {"exchange": each["exchange"][0]})
    return store


def outcome(request: Request, at_ms: int) -> dict[str, object]:
    about = {"exchange": request.exchange, "endpoint": request.endpoint, "request": request.key, "reason": ""}
    window = {"window_start_utc": request.start_ms, "window_end_utc": request.end_ms, "sent_at_utc": at_ms}
    return about | window | {"instrument": request.instrument, "outcome": "ok"}


def contract(exchange: str, unit: float = 1.0, since: datetime = datetime(2020, 1, 1)) -> pl.DataFrame:
    about = {"exchange": exchange, "instrument": "BTCUSDT", "coin": "BTC", "quote": "USDT", "kind": "linear"}
    about |= {"contract_base": 1.0, "contract_usd": None, "unit_multiplier": unit, "tick": 0.1}
    about |= {"trading_status": "trading", "listed_utc": None, "source": "simulated"}
    about |= {"valid_from_utc": since, "valid_to_utc": None}
    schema = table("instruments").schema
    return pl.DataFrame([{c: about[c] for c in schema}], schema=schema, orient="row")


def made(store: Store, name: str, pieces: list[list[date]]) -> Store:
    """Build the core tables of DAYS in pieces and return the staged store."""
    stage = Stage(store, name)
    for days in pieces:
        build(stage, replace(PLAN, days=tuple(days)))
    return Store(stage.home / "tables")


def files(stage: Store) -> dict[str, bytes]:
    return {path.relative_to(stage.root).as_posix(): path.read_bytes() for path in stage.root.rglob("*.parquet")}


@pytest.mark.parametrize("pieces", [[DAYS], [DAYS[:1], DAYS[1:]], [DAYS[:3], DAYS[3:]]])
def test_days_built_together_equal_days_built_alone(raw: Store, pieces: list[list[date]]) -> None:
    alone = files(made(raw, "alone", [[day] for day in DAYS]))
    together = files(made(raw, "together", pieces))
    assert {"price_bars", "open_interest", "positioning", "realised_liquidations", "gaps"} <= {
        name.split("/")[1] for name in alone
    }
    assert together == alone


def test_stream_events_of_the_day_before_are_excluded(raw: Store) -> None:
    events = table("realised_liquidations")
    stage = made(raw, "made", [DAYS])
    times = stage.read(events, stage.keys(events))["time_utc"].to_list()
    assert times == [from_ms(at + 2000) for at in MIDNIGHTS]


def test_each_day_uses_its_contract_version(raw: Store) -> None:
    change = datetime(2026, 1, 7, 12)
    old = contract("bybit").with_columns(pl.lit(change).cast(pl.Datetime("ms")).alias("valid_to_utc"))
    both = pl.concat([old.cast(table("instruments").schema), contract("bybit", 1000.0, change)])
    raw.write(table("instruments"), both, {"exchange": "bybit"})
    stage = made(raw, "made", [DAYS])
    bars = stage.read(table("price_bars"), stage.keys(table("price_bars"))).filter(exchange="bybit")
    by_day = bars.group_by("date").agg(pl.col("close").max() > 1000).sort("date").rows()
    assert by_day == [(DAYS[0], True), (DAYS[1], True), (DAYS[3], False)]
