"""Commands that load data: exit codes, progress, refusals, and a real run against the simulated exchanges."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from html import escape
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console
from rich.progress import Progress
from typer.testing import CliRunner, Result

from expectations.tables import table
from warehouse.cli.main import app
from warehouse.cli.progress import Lines, show_progress
from warehouse.cli.summary import exit_code, gaps_table
from warehouse.cli.summary import lines as summary_lines
from warehouse.errors import Busy
from warehouse.pipeline import run as pipeline
from warehouse.storage.store import SCHEMA_VERSION, Store


def liq(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), prog_name="liq")


def refused(result: Result, *words: str, code: int = 2) -> None:
    assert result.exit_code == code, result.output
    line = result.stderr.strip()
    assert line.startswith("liq: ")
    assert "\n" not in line
    assert "Traceback" not in result.output
    for word in words:
        assert word in line


def summary(**known: object) -> pipeline.RunSummary:
    hour = datetime(2026, 1, 12, 10)
    made = pipeline.RunSummary(hour, hour, ("BTC",), ("binance", "okx"), "simulated", Path("warehouse/catalog.duckdb"))
    made.fetched = {"binance": {"ok": 7}, "okx": {"ok": 9}}
    made.partitions = Counter({"core.price_bars": 12})
    for name, value in known.items():
        setattr(made, name, value)
    return made


class TestEnding:
    @pytest.mark.parametrize(
        ("known", "code"),
        [
            ({}, 0),
            ({"partitions": Counter()}, 0),
            ({"fetched": {"binance": {"ok": 7}, "okx": {"not_found": 1}}}, 0),
            ({"fetched": {"binance": {"ok": 7}, "okx": {"unreachable": 1}}}, 3),
            ({"fetched": {"binance": {"ok": 7}, "okx": {"ok": 3, "transient": 1}}}, 3),
            ({"fetched": {"binance": {"geo_blocked": 1}, "okx": {"unreachable": 1}}}, 1),
            ({"quarantined": [("mart.liquidation_levels", "coin=BTC/date=2026-01-12", "books do not balance")]}, 1),
        ],
    )
    def test_exit_code_follows_the_summary(self, known: dict[str, object], code: int) -> None:
        assert exit_code(summary(**known)) == code

    def test_summary_lists_counts_warnings_and_quarantine(self) -> None:
        known = {"warnings": ["2 % off"], "quarantined": [("mart.x", "coin=BTC", "no")], "checks": 40}
        text = "\n".join(summary_lines(summary(**known)))
        for word in ("simulated data", "binance: 7 ok", "40 checks", "2 % off", "12 partitions", "mart.x coin=BTC: no"):
            assert word in text

    def test_consecutive_gaps_are_one_row(self) -> None:
        hours = [datetime(2026, 1, 12, h) for h in range(3)]
        gaps = pl.DataFrame({"hour_utc": hours}).with_columns(
            coin=pl.lit("BTC"), exchange=pl.lit("okx"), series=pl.lit("open_interest"), state=pl.lit("missing"),
            reason=pl.lit("no answer"),
        )  # fmt: skip
        row = gaps_table(gaps).row(0, named=True)
        assert (row["hours"], row["first_utc"], row["last_utc"]) == (3, hours[0], hours[2])

    def test_progress_without_terminal_is_a_line_per_stage(self, capsys: pytest.CaptureFixture[str]) -> None:
        with show_progress() as reporter:
            reporter.stage("estimate", 2, "coins")
            reporter.step("BTC")
            reporter.step("ETH")
            reporter.stage("nothing", 0, "coins")
        assert capsys.readouterr().err == "estimate: 2 coins to do\n"

    def test_progress_shows_rate_time_left_and_bottleneck(
        self, capsys: pytest.CaptureFixture[str], lines: Lines, now: list[float], thread: list[int]
    ) -> None:
        lines.stage("collect bybit", 2, "requests")
        thread[0] = 2
        lines.stage("collect okx", 4, "requests")
        now[0] = 20.0
        lines.step("2026-01-05", rows=3000)
        thread[0] = 1
        lines.step(advance=2)
        thread[0], now[0] = 2, 40.0
        lines.step("2026-01-06", rows=1)
        assert capsys.readouterr().err.splitlines()[2:] == [
            "collect okx: 1 of 4 requests, 3,000 rows, 0.1 a second, 60 s left (2026-01-05)",
            "collect bybit: 2 of 2 requests in 20.0 s",
            "collect okx: 2 of 4 requests, 3,001 rows, 0.1 a second, 40 s left, and the others are done (2026-01-06)",
        ]

    def test_time_left_uses_recent_steps(
        self, capsys: pytest.CaptureFixture[str], lines: Lines, now: list[float]
    ) -> None:
        """The first step took 100 s and each later one 1 s; the average would give 300 s."""
        lines.stage("maps", 50, "days")
        for now[0] in (100.0, *map(float, range(101, 120))):
            lines.step()
        assert capsys.readouterr().err.splitlines()[-1] == "maps: 12 of 50 days, 1.0 a second, 38 s left"

    def test_grow_changes_the_total(self, capsys: pytest.CaptureFixture[str], lines: Lines, now: list[float]) -> None:
        lines.stage("collect okx", 4, "requests")
        lines.grow(-2)
        lines.grow(1)
        now[0] = 5.0
        lines.step(advance=3)
        assert capsys.readouterr().err.splitlines()[-1] == "collect okx: 3 of 3 requests in 5.0 s"


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    known = [1]
    monkeypatch.setattr("warehouse.cli.progress.get_ident", lambda: known[0])
    return known


@pytest.fixture
def lines(now: list[float], capsys: pytest.CaptureFixture[str]) -> Lines:
    console = Console(stderr=True, width=200)
    return Lines(Progress(console=console, disable=True, speed_estimate_period=30.0, get_time=lambda: now[0]))


@pytest.fixture
def frozen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for a warehouse, with the clock at 2026-01-12 00:10."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIQ_WAREHOUSE", str(tmp_path / "warehouse"))
    monkeypatch.setenv("LIQ_NOW", "2026-01-12T00:10Z")
    return tmp_path / "warehouse"


class TestRefusals:
    def test_future_hour_is_refused_without_files(self, frozen: Path) -> None:
        refused(liq("run", "--hour", "2026-01-12T01:00Z"), "future", "2026-01-12T00:00Z")
        assert not frozen.exists()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--source", "magic"), ("LIQ_SOURCE", "'simulated', 'recorded' or 'live'")),
            (("--source", "recorded"), ("LIQ_RECORDED",)),
            (("--source", "recorded", "--recorded", "nowhere"), ("nowhere", "LIQ_RECORDED")),
            (("--exchanges", "ftx"), ("ftx", "binance, bybit, okx")),
            (("--coins", ","), ("LIQ_COINS", "BTC,ETH,SOL")),
            (("--hours", "0"), ("--hours", "liq run --help")),
        ],
    )
    def test_invalid_settings_are_refused(
        self, frozen: Path, arguments: tuple[str, ...], words: tuple[str, ...]
    ) -> None:
        refused(liq("run", *arguments), *words)
        assert not frozen.exists()

    def test_other_source_is_refused(self, small_warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (small_warehouse / "warehouse.json").write_text(json.dumps({"schema": SCHEMA_VERSION, "source": "live"}))
        refused(liq("run", "--coins", "BTC"), "live", "simulated", "LIQ_WAREHOUSE")

    def test_older_schema_is_refused(self, small_warehouse: Path) -> None:
        (small_warehouse / "warehouse.json").write_text(json.dumps({"schema": 0, "source": "simulated"}))
        refused(liq("run", "--coins", "BTC"), "schema 0", "LIQ_WAREHOUSE")

    def test_read_only_warehouse_is_refused(self, small_warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        # root can write every file, so the answer of os.access is replaced
        monkeypatch.setattr("os.access", lambda path, mode: False)
        refused(liq("run", "--coins", "BTC"), "read-only", "LIQ_WAREHOUSE")

    def test_uncreatable_folder_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        refused(liq("run", "--warehouse", str(tmp_path / "file" / "x")), "cannot create a warehouse", "LIQ_WAREHOUSE")

    @pytest.mark.usefixtures("frozen")
    def test_concurrent_run_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def busy(*_: object, **__: object) -> None:
            raise Busy("another run holds warehouse; wait for it or set LIQ_WAREHOUSE to another folder")

        monkeypatch.setattr(pipeline, "run", busy)
        refused(liq("run"), "another run", "wait for it", code=1)

    @pytest.mark.usefixtures("small_warehouse")
    def test_check_of_unpublished_range_is_refused(self) -> None:
        refused(
            liq("check", "--from", "2020-01-01T00:00Z", "--to", "2020-01-02T00:00Z"),
            "nothing is published",
            "liq tables",
        )


def test_run_then_check_reports_a_broken_table(frozen: Path) -> None:
    ran = liq("run", "--hours", "2", "--coins", "BTC", "--exchanges", "binance")
    assert ran.exit_code == 0, ran.output
    for word in ("Published; BTC; 2026-01-11 23:00 to 2026-01-12 00:00 UTC; simulated data", "binance: ", "partitions"):
        assert word in ran.stdout
    assert "maps: 9 days to do" in ran.stderr  # the two days of the hours, and the week before them
    assert "hour 2026-01-12 00:00 UTC" in liq("headline", "BTC").stdout
    sound = liq("check")
    assert (sound.exit_code, sound.stdout.count(" 0 failed")) == (0, 1), sound.output

    levels = table("liquidation_levels")
    store = Store(frozen)
    key = store.keys(levels)[-1]
    store.write(levels, store.read(levels, [key]).with_columns(pl.col("notional_1d_usd") * 2 + 1), key)
    hour, docs = ("--from", "2026-01-12T00:00Z", "--to", "2026-01-12T00:00Z"), frozen / "checks"
    broken = liq("check", *hour, "--format", "json", "--docs", str(docs))
    assert broken.exit_code == 1
    (refused_row,) = json.loads(broken.stdout)
    assert refused_row["check_name"] == "windows_nest"
    assert escape(refused_row["reason"]) in (docs / "mart.liquidation_levels.html").read_text()
    assert 'href="mart.liquidation_levels.html"' in (docs / "index.html").read_text()
    (frozen / "taken").write_text("")
    refused(liq("check", *hour, "--docs", str(frozen / "taken")), "cannot be written", "--docs")
