"""Bad rows and their dependents are quarantined with a reason; the last good hour stays readable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import expectations.validation.gx
from expectations.tables import table
from expectations.validation.counts import Count
from expectations.validation.gx import CheckResult
from tests.warehouse.trial import MADE, A, Trial, differing
from transforms.hourly.hours import HOUR
from warehouse.simulator.exchanges.wire import Query, Reply
from warehouse.simulator.server import server
from warehouse.storage.layout import FILE

B, C = A + HOUR, A + 2 * HOUR
HISTORY = "/futures/data/openInterestHist"
PARTITION = f"coin=BTC/date={A:%Y-%m-%d}"
DEPENDENT = ("liquidation_levels", "position_ledger", "state_positions", "state_cohorts", "liquidation_curve",
             "liquidation_clusters", "market_balance", "cascade_risk", "sweeps", "cluster_history")  # fmt: skip


def in_thousandths(query: Query) -> Reply:
    """Serve Binance's open interest in the wrong unit, so that coins and dollars disagree."""
    reply = server.ROUTES["good"](query)
    assert isinstance(reply.body, list)
    return replace(
        reply, body=[row | {"sumOpenInterest": f"{1000 * float(row['sumOpenInterest'])}"} for row in reply.body]
    )


@pytest.fixture(scope="module")
def unbroken(one_hour: Trial, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a warehouse of hours A to C with sound rows."""
    made = one_hour.copied(tmp_path_factory.mktemp("unbroken") / "warehouse")
    made.run(B, C)
    return made


@pytest.fixture(scope="module")
def wrong(one_hour: Trial, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a warehouse with a sound hour A and an hour B with Binance's wrong units."""
    made = one_hour.copied(tmp_path_factory.mktemp("wrong") / "warehouse")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(server.ROUTES, "good", server.ROUTES[HISTORY])
        patch.setitem(server.ROUTES, HISTORY, in_thousandths)
        made.run(B)
    return made


def test_wrong_units_are_quarantined_with_reason(wrong: Trial) -> None:
    held = wrong.root / "quarantine" / "core" / "open_interest" / PARTITION
    reason = (held / "reason.txt").read_text()
    assert reason.startswith(
        "core.open_interest.value_within_10pct_of_mark: Reported dollars differ from coins times mark"
    )
    assert "exchange=binance" in reason
    assert pl.read_parquet(held / FILE, hive_partitioning=False).height > wrong.rows("open_interest").height
    failed = wrong.rows("checks").filter(~pl.col("passed") & (pl.col("severity") == "FAIL"))
    assert failed.select("hour_utc", "table_name", "partition", "check_name").rows() == [
        (B, "open_interest", PARTITION, "value_within_10pct_of_mark")
    ]
    assert wrong.rows("runs").sort("started_at_utc")["run_status"][-1] == "partial"


@pytest.mark.parametrize("name", DEPENDENT)
def test_dependent_table_is_quarantined(wrong: Trial, name: str) -> None:
    reason = (wrong.root / "quarantine" / table(name).layer / name / PARTITION / "reason.txt").read_text()
    assert "which is quarantined" in reason


def test_last_good_hour_stays_readable(one_hour: Trial, wrong: Trial) -> None:
    kept = [f"mart/{name}" for name in DEPENDENT] + ["core/open_interest", "ops/watermark"]
    assert differing(one_hour.files(*kept), wrong.files(*kept)) == []
    assert wrong.ask("SELECT hour_utc FROM ops.watermark").item() == A
    assert wrong.ask("SELECT max(hour_utc) FROM mart.market_balance").item() == A


def test_payloads_and_other_tables_are_kept(wrong: Trial) -> None:
    assert wrong.rows("payloads").filter(endpoint="open_interest_history", exchange="binance").height > 1
    assert wrong.rows("price_bars")["open_utc"].max() >= B - HOUR


@pytest.mark.parametrize("hour", [B, C], ids=["the same hour again", "the next hour"])
def test_corrected_answers_replace_wrong_rows(wrong: Trial, unbroken: Trial, tmp_path: Path, hour: Any) -> None:
    """After the exchange corrects its units, the new answers count and the quarantine is empty."""
    made = wrong.copied(tmp_path / "warehouse")
    made.run(hour)
    made.run(C)
    assert differing(unbroken.files(*MADE), made.files(*MADE)) == []
    assert made.leftovers() == []


class TestRelease:
    """A check that fails in one run and passes in the next."""

    @pytest.fixture
    def failing(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        whole = expectations.validation.gx.decide

        def failing(name: str) -> None:
            def decide(counts: Sequence[Count]) -> list[CheckResult]:
                return [replace(r, passed=r.table_name != name, reason="not today") for r in whole(counts)]

            monkeypatch.setattr(expectations.validation.gx, "decide", decide)

        return failing

    @pytest.mark.parametrize(
        ("name", "built_on_it"),
        [
            ("liquidation_curve", {"market_balance", "market_summary"}),
            ("cascade_risk", {"cascade_contagion", "market_summary"}),
            ("market_summary", set[str]()),
        ],
    )
    def test_good_partition_ends_quarantine(
        self,
        one_hour: Trial,
        unbroken: Trial,
        tmp_path: Path,
        failing: Callable[[str], None],
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        built_on_it: set[str],
    ) -> None:
        made = one_hour.copied(tmp_path / "warehouse")
        failing(name)
        made.run(B)
        held = {p.parents[2].name for p in (made.root / "quarantine").rglob("reason.txt")}
        assert held == {name, *built_on_it}
        monkeypatch.undo()
        made.run(C)
        assert made.leftovers() == []
        assert differing(unbroken.files(*MADE), made.files(*MADE)) == []

    def test_unchanged_good_partition_ends_quarantine(
        self, one_hour: Trial, tmp_path: Path, failing: Callable[[str], None], monkeypatch: Any
    ) -> None:
        made = one_hour.copied(tmp_path / "warehouse")
        failing("price_bars")
        made.backfill(A, A, again=True)
        assert made.leftovers() != []
        monkeypatch.undo()
        made.run(A)
        assert made.leftovers() == []
        assert differing(one_hour.files(*MADE), made.files(*MADE)) == []
