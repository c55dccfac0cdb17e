"""The maps of a past range, while hourly runs and other backfills go on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from warehouse.backfill import backfill
from warehouse.estimate_processes import estimate_coins
from warehouse.rebuild import pending

from tests.warehouse.trial import MADE, Trial, differing, python
from warehouse import estimate, maps, stages
from warehouse.clock import HOUR
from warehouse.errors import Busy
from warehouse.lock import claim, claimed
from warehouse.simulator import Simulation

FIRST = datetime(2026, 11, 19, 22)
NOON = FIRST + 3 * HOUR
LAST = FIRST + 5 * HOUR
HOLDER = """
import sys
from pathlib import Path
from warehouse.lock import claim
with claim(Path(sys.argv[1]), "BTC", 0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def hourly(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return Trial(tmp_path_factory.mktemp("hourly") / "warehouse", quiet_exchanges.url).run_singly(FIRST, LAST)


def test_hours_that_run_meanwhile_are_made_again_on_the_new_past(
    hourly: Trial, quiet_exchanges: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the maps of a past are made, three hours are published on top of the old one, each without remaking it."""
    made = Trial(tmp_path / "warehouse", quiet_exchanges.url)
    made.run(NOON)
    until: list[datetime] = []

    def slow(*given: Any, **options: Any) -> Iterator[str]:
        for name in estimate_coins(*given, **options):
            for hour in (NOON + HOUR, NOON + 2 * HOUR):
                made.run(hour)
                until.append(max(made.rows("position_books")["hour_utc"].to_list()))
            assert made.rows("position_books")["hour_utc"].min() == NOON
            yield name

    monkeypatch.setattr(maps, "estimate_coins", slow)
    backfill(made.settings(), FIRST, NOON - HOUR)
    assert until == [NOON + HOUR, LAST]
    assert differing(hourly.files(*MADE), made.files(*MADE)) == []
    assert (made.leftovers(), pending(made.root)) == ([], {})


def test_nothing_new_meanwhile_nothing_made_twice(
    hourly: Trial, quiet_exchanges: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, wanted = Trial(tmp_path / "warehouse", quiet_exchanges.url), []
    build_group = estimate.build_group

    def noted(*given: Any, hours: list[datetime], **options: Any) -> Any:
        wanted.extend(hours)
        return build_group(*given, hours=hours, **options)

    monkeypatch.setattr(estimate, "build_group", noted)
    backfill(made.settings(), FIRST, LAST)
    assert wanted == [FIRST + n * HOUR for n in range(6)]
    assert differing(hourly.files(*MADE), made.files(*MADE)) == []


def test_a_coin_is_claimed_by_one_backfill_that_lives(hourly: Trial) -> None:
    with python(HOLDER, hourly.root) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert claimed(hourly.root, "BTC")
        with pytest.raises(Busy, match="another backfill makes the maps of BTC"):
            backfill(hourly.settings(wait_s=0), FIRST, LAST)
        holder.kill()
        holder.communicate()
    assert not claimed(hourly.root, "BTC")
    with claim(hourly.root, "BTC", 0):
        assert claimed(hourly.root, "BTC")


KILLED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
from tests.warehouse.trial import Trial
from warehouse.backfill import backfill
root, url, first, last = sys.argv[1:]
class Told:
    now = ""
    def stage(self, name, total, unit):
        self.now = name
    def step(self, note="", advance=1, rows=0):
        if self.now == "estimate BTC":
            os.write(1, note.encode())
            self.now = "killed by what comes next"
        elif self.now.startswith("killed"):
            os.kill(os.getpid(), signal.SIGKILL)
hours = (datetime.fromisoformat(each) for each in (first, last))
backfill(Trial(Path(root), url).settings(), *hours, progress=Told())
"""


def test_what_a_killed_backfill_has_made_is_not_made_again(
    hourly: Trial, quiet_exchanges: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the second of two days of the map: the next run makes neither core tables nor that first day."""
    made, wanted = Trial(tmp_path / "warehouse", quiet_exchanges.url), []
    with python(KILLED, made.root, made.url, FIRST.isoformat(), LAST.isoformat()) as child:
        said, complaints = child.communicate()
        assert said == f"{FIRST:%Y-%m-%d}", complaints
    assert child.returncode == -signal.SIGKILL
    build_group = estimate.build_group

    def noted(*given: Any, hours: list[datetime], **options: Any) -> Any:
        wanted.extend(hours)
        return build_group(*given, hours=hours, **options)

    monkeypatch.setattr(estimate, "build_group", noted)
    monkeypatch.setattr(stages, "normalise", lambda *_: pytest.fail("core tables were there"))
    backfill(made.settings(), FIRST, LAST)
    assert wanted == [FIRST + n * HOUR for n in range(2, 6)]
    assert differing(hourly.files(*MADE), made.files(*MADE)) == []
    assert (made.leftovers(), pending(made.root)) == ([], {})


def test_core_tables_that_are_lost_are_made_again(hourly: Trial, quiet_exchanges: Simulation, tmp_path: Path) -> None:
    made = Trial(tmp_path / "warehouse", quiet_exchanges.url)
    backfill(made.settings(), FIRST, LAST)
    (lost,) = (made.root / "core" / "price_bars").glob(f"coin=BTC/date={FIRST:%Y-%m-%d}/data.parquet")
    lost.unlink()
    backfill(made.settings(), FIRST, LAST)
    assert differing(hourly.files(*MADE), made.files(*MADE)) == []
