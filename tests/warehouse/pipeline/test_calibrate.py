"""The daily fit on simulated exchanges, of which one lists its liquidations: what changes, what stays."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from expectations.tables import table
from tests.warehouse.trial import MADE, Trial, differing
from transforms.estimation import calibration
from transforms.hourly.hours import HOUR
from transforms.model.assumptions import PRIOR_VERSION
from transforms.tables import model_parameters
from warehouse.cli.main import app
from warehouse.ingest.addresses import HOSTS
from warehouse.pipeline import calibrate as fitting
from warehouse.pipeline import tasks
from warehouse.pipeline.calibrate import Calibration, calibrate, too_few
from warehouse.plan import Plan
from warehouse.progress import Silent
from warehouse.simulator import Simulation
from warehouse.storage.store import Store

# OKX lists its liquidations back to the 19th, 13:00.
FIRST, BEFORE, MIDNIGHT, LAST = (
    datetime(2026, 11, 19, 13),
    datetime(2026, 11, 19, 23),
    datetime(2026, 11, 20),
    datetime(2026, 11, 20, 2),
)
DAY = date(2026, 11, 20)
VERSION, FILE = "fit-2026-11-20", "model/model_parameters/data.parquet"
PARAMETERS = table("model_parameters")


@pytest.fixture
def enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ten hours suffice for a fit."""
    monkeypatch.setattr(calibration, "LEAST_HOURS", 10)


@pytest.fixture(scope="module")
def unfitted(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a shared warehouse of the hours before midnight; a test that changes it works on a copy."""
    trial = Trial(tmp_path_factory.mktemp("unfitted") / "warehouse", quiet_exchanges.url)
    assert trial.run(FIRST, BEFORE).status == "published"
    return trial


@pytest.fixture(scope="module")
def shared(unfitted: Trial, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trial, Calibration]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "LEAST_HOURS", 10)
        trial = unfitted.copied(tmp_path_factory.mktemp("fitted") / "warehouse")
        return trial, calibrate(trial.settings(), DAY, DAY)


@pytest.fixture
def fitted(shared: tuple[Trial, Calibration], tmp_path: Path) -> Trial:
    """Return a separate copy with a version fitted for the day that begins at midnight."""
    return shared[0].copied(tmp_path / "fitted")


def versions(trial: Trial) -> set[str]:
    return set(trial.rows("model_parameters")["version"])


def weights(trial: Trial, version: str, exchange: str, side: str) -> pl.Series:
    rows = trial.rows("model_parameters").filter(version=version, exchange=exchange, side=side, parameter="weight")
    return rows.sort("leverage_x", "half_life_hours")["value"]


def test_one_feed_moves_all_exchanges_and_its_own_most_certainly(shared: tuple[Trial, Calibration]) -> None:
    trial, made = shared
    assert (made.quarantined, made.too_few) == ([], {})
    assert made.checks > 0
    told = {(row["exchange"], row["side"]): row for row in made.rows.iter_rows(named=True)}
    for side in ("long", "short"):
        moved = {e: weights(trial, VERSION, e, side) / weights(trial, PRIOR_VERSION, e, side) for e in ("okx", "bybit")}
        assert (moved["okx"] - 1).abs().max() > 0.01
        assert (moved["bybit"] - 1).abs().max() > 0.01
        assert (told["okx", side]["hours"], told["bybit", side]["hours"]) == (10, 0)
        assert told["okx", side]["distance"] > 0
    spread = trial.rows("model_parameters").filter(version=VERSION, parameter="log_sd", side="long")
    sure = dict(spread.group_by("exchange").agg(pl.col("value").sum()).iter_rows())
    assert sure["okx"] < sure["bybit"] == pytest.approx(sure["binance"], rel=0.5)


def test_more_realised_liquidations_raise_all_exchanges(
    shared: tuple[Trial, Calibration], fitted: Trial, enough: None
) -> None:
    realise(fitted, BEFORE, 2e7)
    calibrate(fitted.settings(), DAY, DAY)
    grown = {
        e: weights(fitted, VERSION, e, "long").sum() / weights(shared[0], VERSION, e, "long").sum()
        for e in ("binance", "bybit", "okx")
    }
    assert min(grown.values()) > 1.01


def test_version_applies_from_midnight(shared: tuple[Trial, Calibration]) -> None:
    trial, _ = shared
    rows = trial.rows("model_parameters").filter(version=VERSION)
    assert set(rows["valid_from_utc"]) == {MIDNIGHT}
    assert set(rows.select("exchange", "side").unique().rows()) == {
        (exchange, side) for exchange in ("binance", "bybit", "okx") for side in ("long", "short")
    }
    known = trial.rows("model_parameters")
    at = [model_parameters.assumptions(known, "okx", "long", hour).version for hour in (BEFORE, MIDNIGHT, LAST)]
    assert at == [PRIOR_VERSION, VERSION, VERSION]


def test_too_few_hours_keep_the_prior(unfitted: Trial, tmp_path: Path) -> None:
    trial = unfitted.copied(tmp_path / "warehouse")
    before = trial.files("core", "model", "mart", "ops")
    made = calibrate(trial.settings(), DAY, DAY)
    assert list(too_few(made)) == [
        f"2026-11-20: fewer than 24 hours of liquidations in the 45 days before it; {PRIOR_VERSION} stays in force"
    ]
    assert (made.published, made.rows.height) == (0, 0)
    assert differing(before, trial.files("core", "model", "mart", "ops")) == []
    assert trial.leftovers() == []


@pytest.mark.usefixtures("enough")
class TestAgain:
    def test_same_data_gives_the_same_bytes(self, unfitted: Trial, fitted: Trial, tmp_path: Path) -> None:
        before = fitted.files("core", "model", "mart", "ops")
        assert calibrate(fitted.settings(), DAY, DAY).published == 0
        assert differing(before, fitted.files("core", "model", "mart", "ops")) == []
        other = unfitted.copied(tmp_path / "other")
        walked = calibrate(other.settings(), DAY - timedelta(days=2), DAY)
        assert set(walked.too_few) == {DAY - timedelta(days=2), DAY - timedelta(days=1)}
        assert differing(fitted.files(*MADE), other.files(*MADE)) == []
        assert other.leftovers() == []

    def test_fit_replaces_only_its_own_version(self, fitted: Trial) -> None:
        calibrate(fitted.settings(), DAY + timedelta(days=1), DAY + timedelta(days=1))
        assert versions(fitted) == {PRIOR_VERSION, VERSION, "fit-2026-11-21"}
        before = fitted.rows("model_parameters")
        realise(fitted, BEFORE, 5e7)
        calibrate(fitted.settings(), DAY, DAY)
        after = fitted.rows("model_parameters")
        own = pl.col("version") == VERSION
        assert after.filter(~own).equals(before.filter(~own))
        assert not after.filter(own).equals(before.filter(own))
        assert after.filter(own).height == before.filter(own).height


@pytest.mark.usefixtures("enough")
def test_concurrent_fit_of_another_day_is_kept(unfitted: Trial, tmp_path: Path) -> None:
    """All versions share one file, so a version staged before another's publication lacks the other."""
    trial, later = unfitted.copied(tmp_path / "warehouse"), DAY + timedelta(days=1)
    others: list[int] = []

    class Meanwhile(Silent):
        def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
            if str(DAY) in note and not others:  # the fit is staged
                others.append(calibrate(trial.settings(), later, later).published)

    assert calibrate(trial.settings(), DAY, DAY, progress=Meanwhile()).published > 0
    assert others[0] > 0
    assert versions(trial) == {PRIOR_VERSION, VERSION, f"fit-{later}"}
    other = unfitted.copied(tmp_path / "other")
    calibrate(other.settings(), DAY, later)
    assert differing(other.whole_files("model", "mart"), trial.whole_files("model", "mart")) == []


def realise(trial: Trial, moment: datetime, usd: float) -> None:
    """Add a liquidation at `moment`, in a covered hour."""
    store, contract = Store(trial.root), table("realised_liquidations")
    like = trial.rows("realised_liquidations").filter(exchange="okx", side="long").head(1)
    more = like.with_columns(
        time_utc=pl.lit(moment).cast(pl.Datetime("ms")), date=pl.lit(moment.date()), seq=pl.lit(99).cast(pl.Int64),
        size_base=usd / pl.col("price"), notional_usd=pl.lit(usd),
    )  # fmt: skip
    key = {"coin": "BTC", "date": moment.date()}
    store.write(contract, pl.concat([store.read(contract, [key]), more.select(list(contract.schema))]), key)


@pytest.mark.usefixtures("enough")
class TestNoLookAhead:
    def test_data_of_the_day_or_later_does_not_change_its_version(self, unfitted: Trial, tmp_path: Path) -> None:
        early, late = unfitted.copied(tmp_path / "early"), unfitted.copied(tmp_path / "late")
        late.run(MIDNIGHT, LAST)
        realise(late, MIDNIGHT, 9e8)
        realise(late, MIDNIGHT + HOUR, 9e8)
        for trial in (early, late):
            calibrate(trial.settings(), DAY, DAY)
        assert differing({FILE: early.files("model", "mart")[FILE]}, {FILE: late.files("model", "mart")[FILE]}) == []
        calibrate(late.settings(), DAY, DAY + timedelta(days=1))  # a range with later data
        own = [trial.rows("model_parameters").filter(version=VERSION) for trial in (early, late)]
        assert own[0].equals(own[1])

    def test_data_of_the_day_before_changes_its_version(self, fitted: Trial) -> None:
        """The counterpart of the test above, which a fit without any data would pass too."""
        before = fitted.rows("model_parameters")
        realise(fitted, BEFORE, 9e8)
        calibrate(fitted.settings(), DAY, DAY)
        assert not fitted.rows("model_parameters").equals(before)


class TestHours:
    def test_hourly_bulk_and_fresh_runs_over_midnight_are_equal(self, fitted: Trial, tmp_path: Path) -> None:
        bulk = fitted.copied(tmp_path / "bulk")
        hour = MIDNIGHT
        while hour <= LAST:
            assert fitted.run(hour).quarantined == []
            hour += HOUR
        bulk.run(MIDNIGHT, LAST)
        scratch = Trial(tmp_path / "scratch", fitted.url)
        scratch.settings()
        path = scratch.root / FILE
        path.parent.mkdir(parents=True)
        path.write_bytes(fitted.whole_files("model", "mart")[FILE])
        scratch.run(FIRST, LAST)
        assert differing(fitted.files(*MADE), bulk.files(*MADE)) == []
        assert differing(fitted.files(*MADE), scratch.files(*MADE)) == []
        books = fitted.rows("position_ledger").select("hour_utc", "parameters_version").unique()
        assert {v for h, v in books.rows() if h < MIDNIGHT} == {PRIOR_VERSION}
        assert {v for h, v in books.rows() if h >= MIDNIGHT} == {VERSION}
        assert fitted.leftovers() == []

    def test_published_hours_keep_their_version_until_the_next_run(
        self, unfitted: Trial, fitted: Trial, tmp_path: Path, enough: None
    ) -> None:
        late = unfitted.copied(tmp_path / "late")
        late.run(MIDNIGHT, MIDNIGHT + HOUR)
        before = late.files("model/position_ledger", "mart/liquidation_levels")
        assert calibrate(late.settings(), DAY, DAY).newest_hour == MIDNIGHT + HOUR
        assert differing(before, late.files("model/position_ledger", "mart/liquidation_levels")) == []
        late.run(LAST)
        fitted.run(MIDNIGHT, LAST)
        assert differing(fitted.files(*MADE), late.files(*MADE)) == []

    def test_fit_between_the_tasks_of_an_hour_is_used(
        self, unfitted: Trial, fitted: Trial, tmp_path: Path, enough: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        between = unfitted.copied(tmp_path / "between")
        settings = between.settings()
        monkeypatch.chdir(tmp_path)
        values = {f"{host}_url": between.url for host in HOSTS}
        values |= {"warehouse": between.root, "now": "2026-11-20T12:05:00Z", "coins": "BTC", "source": "simulated"}
        for name, value in values.items():
            monkeypatch.setenv(f"LIQ_{name.upper()}", str(value))
        plan = Plan.of_hour(MIDNIGHT, settings)
        for exchange in plan.exchanges:
            tasks.collect(plan, exchange)
        assert fitting.calibrate_day("2026-11-20")["published"] > 0
        tasks.publish(plan)
        fitted.run(MIDNIGHT)
        assert differing(fitted.files("core", "model", "mart"), between.files("core", "model", "mart")) == []


@pytest.mark.usefixtures("enough")
def test_version_that_fails_checks_is_quarantined(
    unfitted: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial = unfitted.copied(tmp_path / "warehouse")
    before = trial.files("model", "mart")
    whole = model_parameters.fitted
    weight = pl.col("parameter") == "weight"
    monkeypatch.setattr(
        model_parameters, "fitted",
        lambda *about: whole(*about).with_columns(value=pl.when(weight).then(0.0).otherwise("value")),
    )  # fmt: skip
    made = calibrate(trial.settings(), DAY, DAY)
    assert [name for name, _, _ in made.quarantined] == ["model.model_parameters"]
    assert differing(before, trial.files("model", "mart")) == []
    monkeypatch.undo()
    monkeypatch.setattr(calibration, "LEAST_HOURS", 10)
    assert calibrate(trial.settings(), DAY, DAY).quarantined == []
    assert trial.leftovers() == []


def liq(trial: Trial, *arguments: str, now: str = "2026-11-20T12:05Z") -> Result:
    env = {"LIQ_NOW": now, "LIQ_COINS": "BTC"}
    return CliRunner(env=env).invoke(app, ["calibrate", "--warehouse", str(trial.root), *arguments], prog_name="liq")


@pytest.mark.usefixtures("enough")
class TestCommand:
    def test_csv_format_has_a_row_per_exchange_and_side(self, unfitted: Trial, tmp_path: Path) -> None:
        trial = unfitted.copied(tmp_path / "warehouse")
        result = liq(trial, "--from", "2026-11-19", "--to", "2026-11-20", "--format", "csv")
        assert result.exit_code == 0, result.output
        rows = pl.read_csv(result.stdout.encode())
        assert rows.height == 6
        assert set(rows["day"]) == {"2026-11-20"}
        assert (
            "2026-11-19: fewer than 24 hours of liquidations in the 45 days before it; prior-4 stays in force"
            in result.stderr
        )
        assert "liq backfill --from 2026-11-19T00:00Z --to 2026-11-19T23:00Z" in result.stderr
        assert versions(trial) == {PRIOR_VERSION, VERSION}
        assert trial.ask("SELECT count(*) AS n FROM model.model_parameters WHERE basis = 'fitted'")["n"].item() == 252

    def test_default_is_today_and_a_table(self, unfitted: Trial, tmp_path: Path) -> None:
        trial = unfitted.copied(tmp_path / "warehouse")
        result = liq(trial)
        assert result.exit_code == 0, result.output
        assert "Fitted to realised liquidations" in result.stdout
        assert "other parameters" not in result.stdout  # no hour of today is published
        assert versions(trial) == {PRIOR_VERSION, VERSION}

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--day", "2026-11-21"), ("future", "2026-11-20")),
            (("--day", "20th"), ("not a day",)),
            (("--day", "2026-11-19", "--to", "2026-11-20"), ("leave out",)),
            (("--from", "2026-11-19"), ("--from and --to go together",)),
            (("--from", "2026-11-20", "--to", "2026-11-19"), ("swap them",)),
        ],
    )
    def test_invalid_arguments_are_refused(
        self, unfitted: Trial, arguments: tuple[str, ...], words: tuple[str, ...]
    ) -> None:
        result = liq(unfitted, *arguments)
        assert result.exit_code == 2
        assert all(word in result.stderr for word in words), result.stderr

    def test_too_few_hours_are_reported(self, unfitted: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(calibration, "LEAST_HOURS", 11)
        result = liq(unfitted.copied(tmp_path / "warehouse"))
        assert (result.exit_code, "fit: 1 days to do" in result.stderr) == (0, True)
        assert result.stdout.startswith("2026-11-20: fewer than")

    def test_missing_warehouse_is_not_created(self, tmp_path: Path) -> None:
        nowhere = Trial(tmp_path / "nowhere", "")
        assert liq(nowhere).exit_code == 2
        assert not nowhere.root.exists()
