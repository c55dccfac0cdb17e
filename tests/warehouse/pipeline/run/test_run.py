"""The hourly run over real HTTP: results do not depend on repetition, chunks or concurrent readers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock

from expectations.tables import load
from tests.warehouse.trial import MADE, NOW, A, Trial, differing, python
from transforms.hourly.hours import HOUR
from warehouse.clock import hours, to_ms
from warehouse.errors import Busy, UserError
from warehouse.pipeline import run
from warehouse.simulator import Simulation, serve
from warehouse.storage.layout import FILE
from warehouse.storage.store import SCHEMA_VERSION

FIRST, EARLY, LAST = datetime(2026, 11, 19, 22), datetime(2026, 11, 20), datetime(2026, 11, 20, 4)


@pytest.fixture(scope="module")
def ranged(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a warehouse of FIRST to LAST, over midnight, run as one range."""
    made = Trial(tmp_path_factory.mktemp("ranged"), quiet_exchanges.url)
    assert made.run(FIRST, LAST).status == "published"
    return made


class TestSameTables:
    def test_hourly_runs_equal_one_range(self, ranged: Trial, exchanges: Simulation, tmp_path: Path) -> None:
        pieces = Trial(tmp_path / "pieces", exchanges.url)
        for hour in hours(FIRST, EARLY):
            pieces.run(hour)
        pieces.run(EARLY + HOUR, LAST)
        assert differing(ranged.files(*MADE), pieces.files(*MADE)) == []
        assert differing(ranged.whole_files("model", "mart"), pieces.whole_files("model", "mart")) == []
        assert len(ranged.files("core", "model", "mart")) > 20
        asked = Counter((str(entry["path"]), str(entry["query"])) for entry in exchanges.exchange.recent)
        assert asked
        assert [request for request, times in asked.items() if times > 1] == []

    def test_repeated_run_sends_no_requests_and_changes_no_file(self, ranged: Trial, exchanges: Simulation) -> None:
        kept = ("raw", "ops/fetches", *MADE)
        before = ranged.files(*kept)
        touched = {path: (ranged.root / path).stat().st_mtime_ns for path in before}
        summary = ranged.run(FIRST, LAST)
        assert differing(before, ranged.files(*kept)) == []
        assert exchanges.exchange.counts.total() == 0
        assert summary.published <= 1  # the log of checks
        assert {path: (ranged.root / path).stat().st_mtime_ns for path in before} == touched

    def test_repeated_snapshot_hour_changes_nothing(self, exchanges: Simulation, tmp_path: Path) -> None:
        hour = NOW.replace(minute=0)
        made = Trial(
            tmp_path, exchanges.url, now=hour + timedelta(minutes=1)
        )  # the clock keeps running, with 14 minutes left
        made.run(hour)
        before, asked = made.files("raw", *MADE), exchanges.exchange.counts.total()
        assert "snapshot" in set(made.rows("open_interest")["origin"])
        made.run(hour)
        assert exchanges.exchange.counts.total() == asked
        assert differing(before, made.files("raw", *MADE)) == []

    def test_hours_do_not_look_ahead(self, ranged: Trial, tmp_path: Path) -> None:
        """The comparison runs against exchanges with a clock just after the hour."""
        then = EARLY + timedelta(hours=1, minutes=5)
        with serve(seed=7, now_ms=to_ms(then)) as early:
            known = Trial(tmp_path, early.url, then)
            known.run(FIRST, EARLY)
        for contract in load().values():
            if contract.layer not in ("core", "model", "mart") or contract.time_column is None:
                continue
            if contract.name in ("state_positions", "state_cohorts"):  # they hold the state after the last hour only
                continue
            column = pl.col(contract.time_column)
            until = column < EARLY if contract.time_column == "open_utc" else column <= EARLY
            then_known, now_known = known.rows(contract.name).filter(until), ranged.rows(contract.name).filter(until)
            assert then_known.equals(now_known), contract.name
            assert contract.may_be_empty or then_known.height > 0, contract.name

    @pytest.mark.slow
    def test_parallel_build_equals_serial_build(self, exchanges: Simulation, tmp_path: Path) -> None:
        """Many days are built in worker processes, or one after another in this process."""
        one, many = (Trial(tmp_path / name, exchanges.url) for name in ("one", "many"))
        begin = FIRST - 96 * HOUR
        for made, workers in ((one, 1), (many, 2)):
            options = {"coins": "BTC,ETH"}
            assert run.backfill(made.settings(**options), begin, FIRST, workers=workers).quarantined == []
        assert differing(one.files("core"), many.files("core")) == []
        assert differing(one.whole_files("model", "mart"), many.whole_files("model", "mart")) == []

    def test_position_ledger_balances_and_sides_are_equal(self, ranged: Trial) -> None:
        books = ranged.rows("position_ledger")
        assert set(books["hour_utc"]) == set(hours(FIRST, LAST))
        assert off_balance(books) < 1e-9
        assert off_side(books) < 1e-9

    def test_run_leaves_no_other_files(self, ranged: Trial) -> None:
        assert ranged.leftovers() == []


def off_balance(books: pl.DataFrame) -> float:
    """Return the largest share of open interest that an hour's movements do not explain."""
    moved = pl.col("opening_base") + pl.col("opened_base") - pl.col("closed_base") - pl.col("liquidated_base")
    off = (moved - pl.col("closing_base")).abs() / pl.col("closing_base")
    return float(books.select(off.max()).item())


def off_side(books: pl.DataFrame) -> float:
    """Return the largest relative difference between longs and shorts of a contract."""
    fresh = books.filter(~pl.col("is_stale"))
    sides = fresh.pivot("side", index=["exchange", "instrument", "hour_utc"], values="closing_base")
    return float(sides.select((pl.col("long") / pl.col("short") - 1).abs().max()).item())


ANALYST = """
import sys, duckdb
views = {views}
con = duckdb.connect(sys.argv[1], read_only=True)
pending = con.cursor().execute("SELECT l.* FROM mart.liquidation_levels l, range(200)")
print(len(pending.fetchmany(10)), flush=True)
for line in sys.stdin:
    seen = [con.execute("SELECT max(hour_utc) FROM " + view).fetchone()[0].isoformat() for view in views]
    print(*seen, flush=True)
print(len(pending.fetchmany(10)), flush=True)
"""


class Analyst:
    """Another process in the middle of a query on an open catalog."""

    def __init__(self, catalog: Path) -> None:
        self.views = ["ops.watermark"] + [
            t.full_name
            for t in load().values()
            if t.layer in ("model", "mart") and t.time_column == "hour_utc" and not t.may_be_empty
        ]
        self.process = python(ANALYST.format(views=self.views), catalog)
        assert self.said() == "10"

    def said(self) -> str:
        """Return the next line of its output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def hours(self) -> set[datetime]:
        """Return the last hours of the views, as the open connection sees them."""
        assert self.process.stdin is not None
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        seen = self.said().split()
        assert len(seen) == len(self.views)
        return {datetime.fromisoformat(hour) for hour in seen}

    def leaves(self) -> str:
        """Finish the query; return the rest of its output and errors."""
        rest, complaints = self.process.communicate(timeout=60)
        return rest.strip() + complaints


def test_open_catalog_sees_new_hours_and_blocks_nothing(one_hour: Trial, tmp_path: Path) -> None:
    made = one_hour.copied(tmp_path / "warehouse")
    analyst = Analyst(made.root / "catalog.duckdb")
    assert analyst.hours() == {A}
    made.run(A + HOUR)
    assert analyst.process.poll() is None
    assert analyst.hours() == {A + HOUR}
    made.run(A + 2 * HOUR)
    assert analyst.hours() == {A + 2 * HOUR}
    assert analyst.leaves() == "10"
    assert analyst.process.returncode == 0


class TestOneAtATime:
    def test_second_run_fails_while_the_lock_is_held(self, one_hour: Trial, tmp_path: Path) -> None:
        """A run fails and changes nothing while another process holds the lock."""
        made = one_hour.copied(tmp_path / "warehouse")
        before = made.files(*MADE)
        holder = python(HOLDER, made.root / ".lock")
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=r"another run holds .*; wait for it or set LIQ_WAREHOUSE"):
            made.run(A + HOUR, wait_s=0)
        assert differing(before, made.files(*MADE)) == []
        holder.kill()
        holder.communicate()
        assert made.run(A).status in ("published", "nothing_new")

    def test_stale_lock_file_does_not_block(self, one_hour: Trial) -> None:
        assert (one_hour.root / ".lock").exists()
        with FileLock(one_hour.root / ".lock", timeout=0):
            pass


HOLDER = """
import sys, filelock
with filelock.FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def marker(**about: object) -> Callable[[Path], None]:
    return lambda root: void((root / "warehouse.json").write_text(json.dumps(about)))


def corrupt(*where: str) -> Callable[[Path], None]:
    def spoil(root: Path) -> None:
        for path in root.joinpath(*where).rglob(FILE):
            path.write_bytes(b"PAR1 is how it began")

    return spoil


def void(_: object) -> None:
    """Discard a lambda's result."""


UNUSABLE = {
    "another source": (
        marker(schema=SCHEMA_VERSION, source="live"),
        "holds live data, not simulated; set LIQ_WAREHOUSE",
    ),
    "an older schema": (marker(schema=0, source="simulated"), "has schema 0, this version writes"),
    "a damaged marker": (marker(scheme="?"), r"warehouse\.json is damaged; restore it or start with an empty folder"),
    "a corrupt input": (corrupt("raw", "payloads"), r"raw/payloads/.* cannot be read \(.*; delete it; liq doctor"),
    "a corrupt table": (corrupt("core", "price_bars"), r"core/price_bars/.* cannot be read \(.*; delete it; liq"),
    "a corrupt state": (corrupt("model", "state_positions"), r"state_positions/.* cannot be read \(.*; delete"),
    "a corrupt map": (corrupt("mart", "liquidation_levels"), r"liquidation_levels/.* cannot be read \(.*; delete it"),
}


@pytest.mark.parametrize(("spoil", "told"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_warehouse_is_named_and_unchanged(
    one_hour: Trial, tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    made = one_hour.copied(tmp_path / "warehouse")
    spoil(made.root)
    before = made.files("core", "model", "mart", "ops/gaps", "ops/watermark", "ops/checks", "ops/runs")
    with pytest.raises(UserError, match=told) as caught:
        made.run(A + HOUR)
    assert "\n" not in str(caught.value)
    assert (
        differing(before, made.files("core", "model", "mart", "ops/gaps", "ops/watermark", "ops/checks", "ops/runs"))
        == []
    )


def test_backwards_range_is_refused_before_any_write(exchanges: Simulation, tmp_path: Path) -> None:
    made = Trial(tmp_path / "warehouse", exchanges.url)
    with pytest.raises(UserError, match="the range runs backwards: 2026-11-20T09:00Z comes after 2026-11-20T08:00Z"):
        made.run(A + HOUR, A)
    assert not made.root.exists()
