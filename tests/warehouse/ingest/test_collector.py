"""Collection over real HTTP: stored answers are not requested again, failed ones are, and raw bodies are kept."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from expectations.tables import table
from tests.warehouse.trial import CORE, NOW, Trial, build
from transforms.exchanges.bybit import adapter as bybit
from transforms.exchanges.protocol import Request, Response
from transforms.hourly.hours import HOUR
from warehouse.ingest import collector as collect
from warehouse.ingest.collector import collecting
from warehouse.ingest.exchanges import serving
from warehouse.ingest.request_log import IN_A_MONTH
from warehouse.plan import Plan
from warehouse.progress import Silent
from warehouse.simulator import Fault, Simulation
from warehouse.simulator.exchanges import binance_archive
from warehouse.simulator.server.faults import parse_faults
from warehouse.storage.layout import label
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store, open_store

H = datetime(2026, 11, 20, 8)
EXCHANGES = ("binance", "bybit", "okx")
Gather = Callable[..., dict[str, int]]


@pytest.fixture
def trial(exchanges: Simulation, tmp_path: Path) -> Trial:
    open_store(tmp_path / "warehouse", "simulated", create=True)
    return Trial(tmp_path / "warehouse", exchanges.url)


@pytest.fixture
def gather(trial: Trial) -> Gather:
    """Return a function that collects contracts and hours of one exchange and counts its outcomes."""

    def run(exchange: str, first: datetime = H, last: datetime | None = None, coins: str = "BTC") -> dict[str, int]:
        settings = trial.settings(coins=coins)
        plan = Plan.of_range(first, last or first, settings)
        store = Store(trial.root)
        with serving(settings) as served, collecting(store, exchange, "simulated", served, 5, Silent()) as asking:
            return dict(asking.metadata(settings.coins) + asking.collect(plan))

    return run


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_answered_requests_are_not_repeated(exchange: str, gather: Gather, exchanges: Simulation) -> None:
    assert set(gather(exchange)) == {"ok"}
    asked = exchanges.exchange.counts.total()
    assert gather(exchange) == {}
    assert exchanges.exchange.counts.total() == asked


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_bodies_are_stored_byte_for_byte(exchange: str, gather: Gather, trial: Trial, exchanges: Simulation) -> None:
    gather(exchange)
    kept = trial.rows("payloads")
    assert kept.height == exchanges.exchange.counts.total()
    for row in kept.iter_rows(named=True):
        assert row["sha256"] == hashlib.sha256(row["body"]).hexdigest()
        assert (row["status"], row["source"]) == (200, "simulated")
        assert row["sent_at_utc"] <= row["received_at_utc"]
    bars = kept.filter(endpoint="mark_bars").row(0, named=True)
    assert httpx.get(trial.url + bars["request"].removeprefix("GET ")).content == bars["body"]


def test_refusals_are_stored(gather: Gather, trial: Trial, exchanges: Simulation) -> None:
    exchanges.faults.add(Fault("503", path="openInterestHist", times=2))
    assert set(gather("binance")) == {"ok"}
    history = trial.rows("payloads").filter(endpoint="open_interest_history")
    assert sorted(history["status"]) == [200, 503, 503]
    fetched = trial.rows("fetches").filter(endpoint="open_interest_history").row(0, named=True)
    assert (fetched["outcome"], fetched["attempts"], fetched["rows"]) == ("ok", 3, 12)


@pytest.mark.parametrize("kind", ["html", "truncated", "empty", "500"])
def test_only_failed_requests_are_repeated(kind: str, gather: Gather, trial: Trial, exchanges: Simulation) -> None:
    exchanges.faults.add(*parse_faults([{"kind": kind, "path": "openInterestHist"}]))
    first = gather("binance")
    assert first.pop("ok") > 5
    assert sum(first.values()) == 1
    failed = trial.rows("fetches").filter(pl.col("outcome") != "ok").row(0, named=True)
    assert failed["reason"]
    exchanges.faults.clear()
    assert gather("binance") == {"ok": 1}
    assert trial.rows("fetches")["outcome"].unique().to_list() == ["ok"]


def test_failed_page_is_requested_again(
    gather: Gather, trial: Trial, exchanges: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first page succeeded; it is requested again to reach the second."""
    monkeypatch.setattr(bybit, "next_page", _to_a_second_page)
    exchanges.faults.add(Fault("500", path="page=2"))
    assert set(gather("bybit")) == {"ok", "transient"}
    exchanges.faults.clear()
    gather("bybit")
    assert trial.rows("fetches").filter(pl.col("outcome") != "ok").is_empty()


def _to_a_second_page(request: Request, response: Response) -> Request | None:
    if request.endpoint != "mark_bars" or ("page", "2") in request.params:
        return None
    return replace(request, params=(*request.params, ("page", "2")))


OLD = datetime(2026, 10, 14, 8)


def of_bars(exchanges: Simulation) -> list[str]:
    """Return the names of the requested bar files, each once."""
    asked = [path for path in exchanges.exchange.counts if path.startswith("/data/") and "lines/" in path]
    return sorted(path.rpartition("/")[2] for path in asked if path.endswith(".zip"))


def test_old_bars_come_from_monthly_files(gather: Gather, trial: Trial, exchanges: Simulation) -> None:
    """One file of marks and one of trades cover a month, for any days and any number of requests."""
    assert set(gather("binance", OLD, OLD + 30 * HOUR)) == {"ok"}
    assert of_bars(exchanges) == ["BTCUSDT-5m-2026-10.zip"] * 2
    gather("binance", OLD + 72 * HOUR)
    assert of_bars(exchanges) == ["BTCUSDT-5m-2026-10.zip"] * 2
    months = trial.rows("payloads").filter(pl.col("request").str.contains("/monthly/"))
    assert set(months["date"]) == {OLD.date().replace(day=1)}
    days = trial.rows("fetches").filter(IN_A_MONTH)
    assert sorted(set(days["date"])) == [OLD.date() + timedelta(days=n) for n in (0, 1, 3)]
    asked = exchanges.exchange.counts.total()
    before = trial.rows("fetches")
    assert gather("binance", OLD, OLD + 30 * HOUR) == {}
    assert exchanges.exchange.counts.total() == asked
    assert trial.rows("fetches").equals(before)


def test_incomplete_monthly_file_falls_back_to_daily_file(
    gather: Gather, exchanges: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = binance_archive._klines

    def lacking(*about: Any) -> list[list[object]]:
        rows = made(*about)
        return rows[:-1] if about[2] == "mark" and len(rows) > 288 else rows

    monkeypatch.setattr(binance_archive, "_klines", lacking)
    binance_archive._file.cache_clear()
    assert set(gather("binance", OLD)) == {"ok"}
    binance_archive._file.cache_clear()
    assert of_bars(exchanges) == ["BTCUSDT-5m-2026-10-14.zip", *["BTCUSDT-5m-2026-10.zip"] * 2]


def test_monthly_files_give_the_tables_of_daily_files(gather: Gather, trial: Trial, exchanges: Simulation) -> None:
    first, last = datetime(2026, 9, 30, 22), datetime(2026, 10, 1, 2)
    plan = Plan.of_range(first, last, trial.settings(exchanges="binance"))
    made = []
    for faults in ([Fault("404", path="monthly/")], []):
        exchanges.faults.add(*faults)
        gather("binance", first, last)
        exchanges.faults.clear()
        stage = Stage(Store(trial.root), "here")
        build(stage, replace(plan, tables=CORE))
        made.append({of.full_name + label(of, key): stage.store.footer(of, key) for of, key in stage.staged()})
        shutil.rmtree(trial.root)
        open_store(trial.root, "simulated", create=True)
    of_days, of_months = made
    assert {f"price_barscoin=BTC/date={day}" in "".join(of_days) for day in ("2026-09-30", "2026-10-01")} == {True}
    contents = [{name: footer and footer.content for name, footer in each.items()} for each in (of_days, of_months)]
    assert contents[0] == contents[1]


def test_answered_days_need_no_monthly_file(gather: Gather, exchanges: Simulation) -> None:
    exchanges.faults.add(Fault("404", path="monthly/"))
    assert set(gather("binance", OLD)) == {"ok", "not_found"}
    exchanges.faults.clear()
    asked = exchanges.exchange.counts.total()
    assert gather("binance", OLD) == {}
    assert exchanges.exchange.counts.total() == asked


def test_unlisted_coin_is_not_requested(gather: Gather, trial: Trial) -> None:
    assert gather("okx", coins="NOSUCH") == {"ok": 1}
    assert sorted(trial.rows("fetches")["endpoint"]) == ["hours", "instruments"]


def test_snapshot_is_taken_for_the_current_hour_only(gather: Gather, trial: Trial, exchanges: Simulation) -> None:
    gather("binance", NOW.replace(minute=0) - HOUR)
    assert "/fapi/v1/openInterest" not in exchanges.exchange.counts
    gather("binance", NOW.replace(minute=0))
    gather("binance", NOW.replace(minute=0))
    assert exchanges.exchange.counts["/fapi/v1/openInterest"] == 1


def test_hours_are_grouped_into_ranges_within_a_day() -> None:
    midnight = datetime(2026, 1, 12)
    hours = [midnight - 2 * HOUR, midnight - HOUR, midnight, midnight + HOUR, midnight + 4 * HOUR]
    assert [(w.start, w.end) for w in collect._ranges(hours)] == [
        (midnight - 3 * HOUR, midnight),
        (midnight, midnight + HOUR),
        (midnight + 3 * HOUR, midnight + 4 * HOUR),
    ]
    assert list(collect._ranges([])) == []


def test_failed_hour_is_retried_with_a_later_hour(gather: Gather, trial: Trial) -> None:
    gap = {"coin": "BTC", "date": H.date(), "exchange": "okx", "instrument": "BTC-USDT-SWAP", "series": "open_interest"}
    why = {"state": "missing", "reason": "transient: HTTP 503"}
    rows = pl.DataFrame([{**gap, **why, "hour_utc": H - 5 * HOUR}])
    Store(trial.root).write_partitions(table("gaps"), rows)
    gather("okx")
    windows = trial.rows("fetches").filter(endpoint="mark_bars").select("window_start_utc", "window_end_utc")
    assert set(windows.rows()) == {(H - 6 * HOUR, H - 5 * HOUR), (H - HOUR, H)}
