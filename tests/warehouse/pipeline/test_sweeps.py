"""mart.sweeps in a run: over midnight, against an independent computation, and after a quarantine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import expectations.validation.gx
from expectations.validation.counts import Count
from expectations.validation.gx import CheckResult
from tests.warehouse.trial import MADE, Trial, differing
from transforms.hourly.hours import HOUR
from warehouse.clock import hours
from warehouse.simulator import Simulation

FIRST, MIDNIGHT, LAST = datetime(2026, 11, 19, 21), datetime(2026, 11, 20), datetime(2026, 11, 20, 2)
CONTRACT = ["exchange", "instrument", "side"]
ROW = [*CONTRACT, "hour_utc"]


@pytest.fixture(scope="module")
def made(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    trial = Trial(tmp_path_factory.mktemp("sweeps") / "warehouse", quiet_exchanges.url)
    assert trial.run(FIRST, LAST).status == "published"
    return trial


@pytest.fixture(scope="module")
def sweeps(made: Trial) -> pl.DataFrame:
    return made.rows("sweeps")


def test_every_ledger_row_has_a_sweep_from_the_previous_mark(made: Trial, sweeps: pl.DataFrame) -> None:
    books = made.rows("position_ledger").select(*ROW, "mark_price", "liquidated_base", "is_stale")
    assert sweeps.select(books.columns).sort(ROW).equals(books.sort(ROW))
    assert set(sweeps["hour_utc"]) == set(hours(FIRST, LAST))
    earlier = books.select(*CONTRACT, pl.col("hour_utc") + HOUR, previous="mark_price")
    joined = sweeps.join(earlier, on=ROW, how="left")
    assert joined["previous_mark_price"].equals(joined["previous"], check_names=False)
    assert set(joined.filter(pl.col("previous").is_null())["hour_utc"]) == {FIRST}


def test_predicted_usd_sums_levels_up_to_the_worst_mark(made: Trial, sweeps: pl.DataFrame) -> None:
    levels, bars = made.rows("liquidation_levels"), made.rows("price_bars")
    middle, reached = (pl.col("price_low") * pl.col("price_high")).sqrt(), 0
    for row in sweeps.filter(pl.col("hour_utc") > FIRST).iter_rows(named=True):
        own = [pl.col(c) == row[c] for c in CONTRACT]
        hour = bars.filter(
            *own[:2], pl.col("open_utc").is_between(row["hour_utc"] - HOUR, row["hour_utc"], closed="left")
        )
        worst = hour["low"].min() if row["side"] == "long" else hour["high"].max()
        within = middle >= worst if row["side"] == "long" else middle <= worst
        stood = levels.filter(*own, pl.col("hour_utc") == row["hour_utc"] - HOUR, within)["notional_usd"].sum()
        assert row["predicted_usd"] == stood
        reached += stood > 0
    assert reached > 10


def test_realised_usd_sums_listed_liquidations(made: Trial, sweeps: pl.DataFrame) -> None:
    told = sweeps.filter(pl.col("exchange") == "okx")
    assert set(told["completeness"]) == {"recent"}
    hour = (pl.col("time_utc") - pl.duration(milliseconds=1)).dt.truncate("1h") + HOUR
    events = made.rows("realised_liquidations").with_columns(hour_utc=hour).filter(pl.col("hour_utc") <= LAST)
    sums = events.group_by(ROW).agg(usd=pl.col("notional_usd").sum(), events=pl.len())
    joined = told.join(sums, on=ROW, how="left").with_columns(pl.col("usd", "events").fill_null(0))
    assert joined["realised_count"].sum() == events.height > 3
    assert (joined["realised_count"] == joined["events"]).all()
    assert joined.select((pl.col("realised_usd") - pl.col("usd")).abs().max()).item() < 1e-5
    assert joined.filter(pl.col("realised_count") == 0).height > 3
    streamed = sweeps.filter(pl.col("exchange") != "okx").select("realised_usd", "realised_count", "completeness")
    assert streamed.null_count().row(0) == (streamed.height,) * 3


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    whole = expectations.validation.gx.decide

    def failing(name: str) -> None:
        def decide(counts: Sequence[Count]) -> list[CheckResult]:
            return [replace(r, passed=r.table_name != name, reason="not today") for r in whole(counts)]

        monkeypatch.setattr(expectations.validation.gx, "decide", decide)

    return failing


def test_quarantined_day_is_rebuilt_by_the_next_run(
    made: Trial, tmp_path: Path, failing: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No table depends on mart.sweeps, so it is quarantined alone."""
    again = Trial(tmp_path / "warehouse", made.url)
    failing("sweeps")
    held = again.run(FIRST, MIDNIGHT + HOUR).quarantined
    assert {name for name, _, _ in held} == {"mart.sweeps"}
    assert again.rows("sweeps").is_empty()
    monkeypatch.undo()
    assert again.run(LAST).quarantined == []
    assert differing(made.files(*MADE), again.files(*MADE)) == []
    assert again.leftovers() == []
