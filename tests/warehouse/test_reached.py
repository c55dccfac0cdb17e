"""How far back OKX has open interest: asked over real HTTP once, remembered, and what the plan says of it."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.warehouse.trial import NOW, Trial
from transforms.exchanges.reach import Reach
from warehouse import catalog, collect
from warehouse.clock import HOUR
from warehouse.errors import UserError
from warehouse.plan import Plan
from warehouse.reached import sources
from warehouse.simulator import Fault, Simulation, okx_statistics
from warehouse.sources import serving
from warehouse.store import open_store

DAY, EPOCH = timedelta(days=1), datetime(1970, 1, 1)
LONG_AGO = NOW.replace(minute=0) - 100 * DAY
HISTORY = "/api/v5/rubik/stat/contracts/open-interest-history"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many attempts as ever, without the pauses between them."""
    shell = functools.partial(collect.Shell, backoff_s=0.001, backoff_max_s=0.01)
    monkeypatch.setattr(collect, "Shell", shell)


@pytest.fixture
def trial(exchanges: Simulation, tmp_path: Path) -> Trial:
    return Trial(tmp_path / "warehouse", exchanges.url)


def interest(trial: Trial, first: datetime = LONG_AGO, **changes: str) -> list[Reach]:
    """Where OKX's open interest is to come from, latest first."""
    settings = trial.settings(**changes)
    plan = Plan.of_range(first, NOW.replace(minute=0), settings)
    with serving(settings) as served:
        return [r for r in sources(settings, plan, served) if (r.exchange, r.series) == ("okx", "open interest")]


def kept(monkeypatch: pytest.MonkeyPatch, entries: int) -> None:
    monkeypatch.setattr(okx_statistics, "ENTRIES_KEPT", entries)


@pytest.mark.parametrize("entries", [50, 100, 101, 863, 1440, 2000])
def test_the_window_that_the_venue_has_is_found(
    trial: Trial, exchanges: Simulation, monkeypatch: pytest.MonkeyPatch, entries: int
) -> None:
    kept(monkeypatch, entries)
    fine, hourly, nowhere = interest(trial)
    for row in trial.rows("reach").sort("interval_minutes").iter_rows(named=True):
        step = timedelta(minutes=row["interval_minutes"])
        since = EPOCH + (NOW - EPOCH) // step * step - entries * step
        assert since < row["oldest_utc"] <= since + step
        assert abs(row["asked_at_utc"] - NOW) < HOUR
    reached = trial.rows("reach").sort("interval_minutes")["oldest_utc"].to_list()
    assert all(timedelta() <= r.first - o <= 3 * HOUR for r, o in zip((fine, hourly), reached, strict=True))
    assert (fine.source, hourly.source, nowhere.source) == ("REST", "REST, hourly", "")
    assert fine.note == f"every 5 minutes; {(entries - 1) * 5 / 1440:.1f} days as found on 2026-11-20"
    assert exchanges.exchange.counts[HISTORY] <= 12


def test_it_is_asked_once(trial: Trial, exchanges: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    first = interest(trial)
    asked = exchanges.exchange.counts.total()
    assert interest(trial) == first
    assert exchanges.exchange.counts.total() == asked
    kept(monkeypatch, 500)
    later = interest(replace(trial, now=NOW + 29 * DAY))
    assert exchanges.exchange.counts.total() == asked
    assert all("as found on 2026-11-20" in each.note for each in later if each.source)
    anew = interest(replace(trial, now=NOW + 31 * DAY))
    assert exchanges.exchange.counts.total() > asked
    assert all("as found on 2026-12-21" in each.note for each in anew if each.source)
    assert trial.rows("reach").height == 2


def test_what_came_is_kept_and_no_table_takes_rows_from_it(trial: Trial, exchanges: Simulation) -> None:
    interest(trial)
    came = trial.rows("payloads")
    assert came.height == exchanges.exchange.counts[HISTORY]
    assert set(came["endpoint"]) == set(trial.rows("fetches")["endpoint"]) == {"open_interest_reach"}
    assert came["window_start_utc"].null_count() == came.height


def test_an_outage_leaves_what_is_documented(trial: Trial, exchanges: Simulation) -> None:
    exchanges.faults.add(Fault("503", path="open-interest-history"))
    fine, hourly, _ = interest(trial)
    assert (fine.first, hourly.first) == (datetime(2026, 11, 15, 14), datetime(2026, 9, 21, 14))
    assert all(r.note.endswith("1,440 readings as documented: okx could not be asked") for r in (fine, hourly))
    assert trial.rows("reach").is_empty()
    exchanges.faults.clear()
    assert "as found" in interest(trial)[0].note


def test_an_error_halfway_is_no_answer(trial: Trial, exchanges: Simulation) -> None:
    exchanges.faults.add(Fault("html", path="open-interest-history.*period=1H"))
    fine, hourly, _ = interest(trial)
    assert "as found" in fine.note
    assert "could not be asked" in hourly.note
    assert trial.rows("reach")["interval_minutes"].to_list() == [5]


def test_what_was_found_outlives_an_outage(trial: Trial, exchanges: Simulation) -> None:
    interest(trial)
    exchanges.faults.add(Fault("503", path="open-interest-history"))
    assert "as found on 2026-11-20" in interest(replace(trial, now=NOW + 40 * DAY))[0].note


@pytest.mark.parametrize(
    ("first", "changes"), [(NOW.replace(minute=0) - 4 * DAY, {}), (LONG_AGO, {"exchanges": "binance,bybit"})]
)
def test_nobody_is_asked_where_nothing_depends_on_it(
    trial: Trial, exchanges: Simulation, first: datetime, changes: dict[str, str]
) -> None:
    interest(trial, first, **changes)
    assert exchanges.exchange.counts.total() == 0
    assert not trial.root.exists()


def test_a_venue_that_has_nothing_at_all_says_nothing(
    trial: Trial, exchanges: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(monkeypatch, -1)
    assert "as documented" in interest(trial)[0].note
    assert trial.rows("reach").is_empty()


def test_a_warehouse_of_another_source_is_left_alone(trial: Trial, exchanges: Simulation) -> None:
    open_store(trial.root, "recorded", create=True)
    with pytest.raises(UserError, match="holds recorded data"):
        interest(trial)
    assert exchanges.exchange.counts.total() == 0


def test_it_is_a_table_of_the_catalog(trial: Trial) -> None:
    interest(trial)
    catalog.build(trial.root)
    assert trial.ask("SELECT interval_minutes FROM ops.reach ORDER BY 1")["interval_minutes"].to_list() == [5, 60]
