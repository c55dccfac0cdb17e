"""The daily score on simulated exchanges, one of which lists its liquidations, against the published map."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from expectations.columns.evaluation import ESTIMATORS
from expectations.tables import table
from tests.warehouse.trial import Trial, differing
from warehouse.cli.main import app
from warehouse.evaluation.score import Scored, score, side_by_side
from warehouse.simulator import Simulation
from warehouse.storage.store import Store

# OKX lists its liquidations back to the 19th, 13:00.
FIRST, BEFORE, MIDNIGHT = datetime(2026, 11, 19, 13), datetime(2026, 11, 19, 23), datetime(2026, 11, 20)
DAY = date(2026, 11, 20)
HOURS = 10


@pytest.fixture(scope="module")
def unscored(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return eleven hours before midnight and one after it; tests that score it take a copy."""
    trial = Trial(tmp_path_factory.mktemp("unscored") / "warehouse", quiet_exchanges.url)
    assert trial.run(FIRST, MIDNIGHT).status == "published"
    return trial


@pytest.fixture(scope="module")
def shared(unscored: Trial, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trial, Scored]:
    trial = unscored.copied(tmp_path_factory.mktemp("scored") / "warehouse")
    return trial, score(trial.settings(), DAY)


@pytest.fixture
def scored(shared: tuple[Trial, Scored], tmp_path: Path) -> Trial:
    """Return a copy that the test may change."""
    return shared[0].copied(tmp_path / "scored")


def swept(trial: Trial, side: str) -> pl.DataFrame:
    """Return the rows of mart.sweeps in the scored hours."""
    rows = trial.rows("sweeps").filter(pl.col("date") < DAY, exchange="okx", side=side)
    return rows.filter(pl.col("predicted_usd").is_not_null(), pl.col("realised_usd").is_not_null(), ~pl.col("is_stale"))


@pytest.mark.parametrize("side", ["long", "short"])
def test_the_published_map_of_the_hour_before_is_scored(shared: tuple[Trial, Scored], side: str) -> None:
    """The map of the hour itself has no positions in the range, because the mark has swept it."""
    trial, made = shared
    known = swept(trial, side)
    assert known["predicted_usd"].sum() > 0
    for name in ("fitted", "prior"):
        row = made.rows.row(by_predicate=of(name, side), named=True)
        assert row["hours"] == known.height == HOURS
        assert row["predicted_usd"] == known["predicted_usd"].sum()
        assert row["realised_usd"] == pytest.approx(known["realised_usd"].sum(), rel=1e-9)
        assert row["completeness"] == "recent"


def of(estimator: str, side: str = "long", exchange: str = "okx") -> pl.Expr:
    return (pl.col("estimator") == estimator) & (pl.col("side") == side) & (pl.col("exchange") == exchange)


def test_exchanges_without_coverage_have_nulls(shared: tuple[Trial, Scored]) -> None:
    trial, made = shared
    rows = made.rows
    assert rows.height == 3 * 2 * len(ESTIMATORS)
    assert (made.quarantined, made.published) == ([], 3)  # the checked and published partitions
    assert trial.rows("map_scores").equals(rows)
    unread = rows.filter(pl.col("exchange") != "okx")
    assert set(unread["hours"]) == {0}
    for name in ("realised_usd", "predicted_usd", "rank_correlation", "poisson_deviance", "scale", "completeness"):
        assert unread[name].null_count() == unread.height
    few = rows.filter(exchange="okx")  # ten hours
    assert few["rank_correlation"].null_count() == few["poisson_deviance"].null_count() == few.height
    assert few.filter(of("range"))["predicted_usd"].to_list() == [None]
    assert trial.leftovers() == []


def test_second_score_writes_the_same_bytes(scored: Trial) -> None:
    before = scored.files("model", "mart")
    assert score(scored.settings(), DAY).quarantined == []
    assert differing(before, scored.files("model", "mart")) == []
    assert scored.leftovers() == []


def test_the_scored_day_itself_has_no_effect(scored: Trial, unscored: Trial, tmp_path: Path) -> None:
    early = unscored.copied(tmp_path / "early")
    store = Store(early.root)
    for name in ("price_bars", "open_interest", "realised_liquidations", "realised_coverage"):
        for key in store.keys(table(name), date=DAY):
            store.path(table(name), key).unlink()
    score(early.settings(), DAY)
    assert differing(scored.files("mart/map_scores"), early.files("mart/map_scores")) == []


def test_side_by_side_has_a_line_per_side() -> None:
    every = {"coin": "BTC", "exchange": "okx", "instrument": "BTC-USDT-SWAP", "hours": 30, "realised_usd": 9e6}
    rows = pl.DataFrame(
        [
            every | {"side": side, "estimator": name, "rank_correlation": 0.8 - n / 8, "poisson_deviance": known}
            for side, known in (("long", 1.456), ("short", None))
            for n, name in enumerate(ESTIMATORS)
        ],
        schema_overrides={"poisson_deviance": pl.Float64},
    )
    wide = side_by_side(rows)
    assert wide.columns == ["coin", "exchange", "instrument", "side", "hours", "realised_usd", *ESTIMATORS]
    assert wide["side"].to_list() == ["long", "short"]
    assert wide["fitted"].to_list() == ["0.8 / 1.46", "0.8 / –"]


def liq(trial: Trial, *arguments: str) -> Result:
    env = {"LIQ_NOW": "2026-11-20T12:05Z", "LIQ_COINS": "BTC"}
    return CliRunner(env=env).invoke(app, ["score", *arguments, "--warehouse", str(trial.root)], prog_name="liq")


class TestCommand:
    def test_default_day_prints_a_table(self, scored: Trial) -> None:
        result = liq(scored)
        assert result.exit_code == 0, result.output
        assert "simulated data, 7 days before 2026-11-20" in result.stdout
        lines = [line for line in result.stdout.splitlines() if "BTC" in line]
        assert len(lines) == 6
        assert "no hour with complete liquidations of binance, bybit" in result.stderr
        assert "fewer than 24 hours" in result.stderr

    def test_json_format_returns_rows(self, scored: Trial) -> None:
        result = liq(scored, "btc", "--day", "2026-11-20", "--format", "json", "--estimator", "ladder")
        assert result.exit_code == 0, result.output
        rows = json.loads(result.stdout)
        assert len(rows) == 6
        assert {row["estimator"] for row in rows} == {"ladder"}
        assert scored.ask("SELECT count(*) AS n FROM mart.map_scores")["n"].item() == 36

    def test_day_without_earlier_bars_is_reported(self, unscored: Trial, tmp_path: Path) -> None:
        trial = unscored.copied(tmp_path / "warehouse")
        result = liq(trial, "--day", str(DAY - timedelta(days=1)))
        assert result.exit_code == 0, result.output
        assert "no bars in the days before" in result.stderr
        assert not (trial.root / "mart" / "map_scores").exists()

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--day", "2026-11-21"), ("future", "2026-11-20")),
            (("--day", "20th"), ("not a day",)),
            (("PEPE",), ("no bars of PEPE", "BTC")),
            (("--without", "okx"), ("--known-positions",)),
            (("--known-positions", "markets"), ("leave out", "--warehouse")),
        ],
    )
    def test_invalid_arguments_are_refused(
        self, unscored: Trial, arguments: tuple[str, ...], words: tuple[str, ...]
    ) -> None:
        result = liq(unscored, *arguments)
        assert result.exit_code == 2
        assert all(word in result.stderr for word in words), result.stderr

    def test_without_a_warehouse_nothing_is_created(self, tmp_path: Path) -> None:
        nowhere = Trial(tmp_path / "nowhere", "")
        assert liq(nowhere).exit_code == 2
        assert not nowhere.root.exists()
