"""Backfills in any order, in pieces or after a kill give the files of hourly runs."""

from __future__ import annotations

import random
import signal
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.warehouse.trial import MADE, NOW, Trial, differing, python
from transforms.hourly.hours import HOUR
from warehouse.cli.main import app
from warehouse.ingest.addresses import HOSTS
from warehouse.pipeline.graph import hours_after, payload_plan
from warehouse.pipeline.run import backfill
from warehouse.plan import Plan
from warehouse.progress import Silent
from warehouse.simulator import Fault, Simulation
from warehouse.simulator.server.faults import FaultKind
from warehouse.storage.store import Store

BORDER = datetime(2026, 10, 22)  # 29 days before the day of NOW; older data comes from the archive
FIRST, LAST = BORDER - 2 * HOUR, BORDER + 2 * HOUR
KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from tests.warehouse.trial import Trial
from warehouse.ingest.addresses import HOSTS
from warehouse.pipeline.run import backfill
root, url, first, last, steps = sys.argv[1:]
left = [int(steps)]
class Told:
    def stage(self, name, total, unit):
        self.step()
    def grow(self, by):
        pass
    def step(self, note="", advance=1, rows=0):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
hours = (datetime.fromisoformat(each) for each in (first, last))
backfill(Trial(Path(root), url).settings(), *hours, progress=Told())
"""


@pytest.fixture(scope="module")
def hourly(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a warehouse with every hour run separately."""
    return Trial(tmp_path_factory.mktemp("hourly") / "warehouse", quiet_exchanges.url).run_singly(FIRST, LAST)


@pytest.fixture(scope="module")
def filled(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    made = Trial(tmp_path_factory.mktemp("filled") / "warehouse", quiet_exchanges.url)
    summary = backfill(made.settings(), FIRST, LAST)
    assert (summary.status, summary.quarantined) == ("published", [])
    return made


def test_backfill_from_archive_and_rest_equals_hourly_runs(hourly: Trial, filled: Trial) -> None:
    assert differing(hourly.files(*MADE), filled.files(*MADE)) == []
    asked = set(filled.rows("fetches").filter(exchange="binance")["endpoint"].to_list())
    assert {"archive_metrics", "archive_mark_bars", "open_interest_history", "mark_bars"} <= asked
    assert len(filled.rows("position_ledger")["hour_utc"].unique()) == 5


def test_rebuild_covers_the_requested_hours_only(filled: Trial) -> None:
    """Archive files for two hours of a day hold the whole day or month."""
    plan = payload_plan(Store(filled.root), filled.settings())
    assert (plan.first_hour, plan.last_hour) == (FIRST, LAST)


@pytest.mark.parametrize("fault", ["404", "truncated"])
def test_daily_files_replace_missing_monthly_files(
    filled: Trial, quiet_exchanges: Simulation, tmp_path: Path, fault: FaultKind
) -> None:
    quiet_exchanges.faults.add(Fault(fault, path=r"monthly/.*\.zip"))
    made = Trial(tmp_path / "warehouse", quiet_exchanges.url)
    summary = backfill(made.settings(), FIRST, LAST)
    quiet_exchanges.faults.clear()
    assert summary.quarantined == []
    assert differing(filled.files(*MADE), made.files(*MADE)) == []


def test_second_backfill_changes_nothing_and_sends_no_requests(filled: Trial, quiet_exchanges: Simulation) -> None:
    before = filled.files("raw", *MADE)
    quiet_exchanges.exchange.recent.clear()
    summary = backfill(filled.settings(), FIRST, LAST)
    assert summary.status == "nothing_new"
    assert differing(before, filled.files("raw", *MADE)) == []
    assert not quiet_exchanges.exchange.recent


def test_rebuild_gives_the_same_files(filled: Trial) -> None:
    before = filled.files(*MADE)
    summary = backfill(filled.settings(), FIRST, LAST, again=True)
    assert (summary.quarantined, differing(before, filled.files(*MADE))) == ([], [])


def test_later_backfill_of_the_past_rebuilds_dependent_hours(
    filled: Trial, quiet_exchanges: Simulation, tmp_path: Path
) -> None:
    late = Trial(tmp_path / "warehouse", quiet_exchanges.url)
    late.run(BORDER + HOUR, LAST)
    older = Plan.of_range(FIRST, BORDER, late.settings())
    assert hours_after(Store(late.root), older) == {"BTC": 2}
    summary = backfill(late.settings(), FIRST, BORDER)
    assert summary.quarantined == []
    assert differing(filled.files("core", "model", "mart"), late.files("core", "model", "mart")) == []
    assert hours_after(Store(late.root), Plan.of_range(FIRST, LAST, late.settings())) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_killed_backfill_is_completed_by_the_next(
    filled: Trial, quiet_exchanges: Simulation, tmp_path: Path, seed: int
) -> None:
    """Three kills at random steps, then a full run: the same files and no leftovers."""
    made, rng = Trial(tmp_path / "warehouse", quiet_exchanges.url), random.Random(seed)
    for _ in range(3):
        words = (made.root, made.url, FIRST.isoformat(), LAST.isoformat(), rng.randrange(60))
        with python(KILLED, *words) as child:
            said = child.communicate()[1]
        assert child.returncode in (0, -signal.SIGKILL), said
    summary = backfill(made.settings(), FIRST, LAST)
    assert summary.quarantined == []
    assert differing(filled.files(*MADE), made.files(*MADE)) == []
    assert made.leftovers() == []


def test_hourly_run_publishes_during_a_backfill(filled: Trial, quiet_exchanges: Simulation, tmp_path: Path) -> None:
    """An hour published during a backfill is rebuilt on the new past before the backfill is published."""
    made = Trial(tmp_path / "warehouse", quiet_exchanges.url)
    made.run(BORDER + HOUR)
    beside: list[str] = []

    class Meanwhile(Silent):
        def stage(self, name: str, total: int, unit: str) -> None:
            if name == "maps" and not beside:
                beside.append(made.run(LAST).status)

    assert backfill(made.settings(), FIRST, BORDER, progress=Meanwhile()).quarantined == []
    assert beside == ["published"]
    assert differing(filled.files(*MADE), made.files(*MADE)) == []
    assert made.leftovers() == []


def liq(trial: Trial, *arguments: str) -> Result:
    env = {"LIQ_NOW": f"{NOW.isoformat()}Z", "LIQ_COINS": "BTC", "COLUMNS": "200"}
    env |= {f"LIQ_{host.upper()}_URL": trial.url for host in HOSTS}
    command = ["backfill", "--warehouse", str(trial.root), *arguments]
    return CliRunner(env=env).invoke(app, command, prog_name="liq")


def test_dry_run_prints_plan_and_sends_no_requests(filled: Trial, quiet_exchanges: Simulation) -> None:
    whole = ("--from", "2026-10-01T00:00Z", "--to", "2026-10-21T23:00Z", "--dry-run")
    quiet_exchanges.exchange.recent.clear()
    before = filled.files("raw", *MADE)
    made = liq(filled, *whole)
    assert made.exit_code == 0, made.output
    lines = [line.split("│")[1:-1] for line in made.stdout.splitlines() if line.startswith("│")]
    told = [tuple(cell.strip() for cell in line[:5]) for line in lines]
    assert ("binance", "open interest", "2026-10-01 00:00", "2026-10-21 23:00", "archive") in told
    assert ("binance", "realised liquidations", "2026-10-01 00:00", "2026-10-21 23:00", "nowhere") in told
    assert "BTC: 3 published hours after 2026-10-21T23:00Z are rebuilt if their inputs change" in made.stdout
    assert not quiet_exchanges.exchange.recent
    assert differing(before, filled.files("raw", *MADE)) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--from", "2026-10-22T00:30Z"), "full hour"),
        (("--from", "2026-10-22T05:00Z", "--to", "2026-10-22T04:00Z"), "swap them"),
        (("--from", "2027-10-22T05:00Z"), "future"),
    ],
)
def test_invalid_range_is_refused(filled: Trial, arguments: tuple[str, ...], word: str) -> None:
    made = liq(filled, *arguments)
    assert (made.exit_code, word in made.stderr) == (2, True), made.output
