"""The daily fit on simulated exchanges, of which one lists what it liquidated: what it learns, what it leaves alone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from expectations.tables import table
from tests.warehouse.trial import MADE, Trial, differing
from transforms.estimation import calibration
from transforms.model.assumptions import PRIOR_VERSION
from transforms.tables import model_parameters
from warehouse.cli.main import app
from warehouse.clock import HOUR
from warehouse.ingest.addresses import HOSTS
from warehouse.pipeline import calibrate as fitting
from warehouse.pipeline import tasks
from warehouse.pipeline.calibrate import Calibration, calibrate, too_few
from warehouse.plan import Plan
from warehouse.progress import Silent
from warehouse.simulator import Simulation
from warehouse.storage.store import Store

# The list of the exchange that has one reaches back to the 19th, 13:00.
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
    """The ten hours of one coin are enough to learn from."""
    monkeypatch.setattr(calibration, "LEAST_HOURS", 10)


@pytest.fixture(scope="module")
def unfitted(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """The hours before midnight. Whoever goes on with it takes a copy."""
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
    """The same with a version for the day that begins at midnight; a copy of one's own."""
    return shared[0].copied(tmp_path / "fitted")


def versions(trial: Trial) -> set[str]:
    return set(trial.rows("model_parameters")["version"])


def weights(trial: Trial, version: str, exchange: str, side: str) -> pl.Series:
    rows = trial.rows("model_parameters").filter(version=version, exchange=exchange, side=side, parameter="weight")
    return rows.sort("leverage_x", "half_life_hours")["value"]


def test_one_feed_moves_its_exchange_and_the_others_borrow(shared: tuple[Trial, Calibration]) -> None:
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


def test_more_that_is_realised_raises_the_exchange_and_the_others_with_it(
    shared: tuple[Trial, Calibration], fitted: Trial, enough: None
) -> None:
    realise(fitted, BEFORE, 2e7)
    calibrate(fitted.settings(), DAY, DAY)
    grown = {
        e: weights(fitted, VERSION, e, "long").sum() / weights(shared[0], VERSION, e, "long").sum()
        for e in ("binance", "bybit", "okx")
    }
    assert min(grown.values()) > 1.01


def test_the_whole_version_applies_from_midnight(shared: tuple[Trial, Calibration]) -> None:
    trial, _ = shared
    rows = trial.rows("model_parameters").filter(version=VERSION)
    assert set(rows["valid_from_utc"]) == {MIDNIGHT}
    assert set(rows.select("exchange", "side").unique().rows()) == {
        (exchange, side) for exchange in ("binance", "bybit", "okx") for side in ("long", "short")
    }
    known = trial.rows("model_parameters")
    at = [model_parameters.assumptions(known, "okx", "long", hour).version for hour in (BEFORE, MIDNIGHT, LAST)]
    assert at == [PRIOR_VERSION, VERSION, VERSION]


def test_too_few_hours_leave_the_prior(unfitted: Trial, tmp_path: Path) -> None:
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
    def test_the_same_data_is_the_same_version_to_the_byte(
        self, unfitted: Trial, fitted: Trial, tmp_path: Path
    ) -> None:
        before = fitted.files("core", "model", "mart", "ops")
        assert calibrate(fitted.settings(), DAY, DAY).published == 0
        assert differing(before, fitted.files("core", "model", "mart", "ops")) == []
        other = unfitted.copied(tmp_path / "other")
        walked = calibrate(other.settings(), DAY - timedelta(days=2), DAY)
        assert set(walked.too_few) == {DAY - timedelta(days=2), DAY - timedelta(days=1)}
        assert differing(fitted.files(*MADE), other.files(*MADE)) == []
        assert other.leftovers() == []

    def test_it_replaces_its_own_version_and_no_other(self, fitted: Trial) -> None:
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
def test_a_fit_of_another_day_that_is_published_meanwhile_stays(unfitted: Trial, tmp_path: Path) -> None:
    """All versions are in one file: the one that was staged before the other was published does not have it."""
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
    """One more liquidation at `moment`, in an hour that was read."""
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
    def test_what_happens_on_the_day_or_later_leaves_its_version_as_it_was(
        self, unfitted: Trial, tmp_path: Path
    ) -> None:
        early, late = unfitted.copied(tmp_path / "early"), unfitted.copied(tmp_path / "late")
        late.run(MIDNIGHT, LAST)
        realise(late, MIDNIGHT, 9e8)
        realise(late, MIDNIGHT + HOUR, 9e8)
        for trial in (early, late):
            calibrate(trial.settings(), DAY, DAY)
        assert differing({FILE: early.files("model", "mart")[FILE]}, {FILE: late.files("model", "mart")[FILE]}) == []
        calibrate(late.settings(), DAY, DAY + timedelta(days=1))  # a range that knows more of what came
        own = [trial.rows("model_parameters").filter(version=VERSION) for trial in (early, late)]
        assert own[0].equals(own[1])

    def test_what_happened_the_day_before_does_not(self, fitted: Trial) -> None:
        """Or the test above would pass on a fit that looks at nothing."""
        before = fitted.rows("model_parameters")
        realise(fitted, BEFORE, 9e8)
        calibrate(fitted.settings(), DAY, DAY)
        assert not fitted.rows("model_parameters").equals(before)


class TestHours:
    def test_over_midnight_hour_by_hour_in_bulk_and_from_scratch(self, fitted: Trial, tmp_path: Path) -> None:
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

    def test_a_fit_between_the_tasks_of_an_hour_is_taken(
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
def test_a_version_that_fails_its_checks_is_held_back(
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
    def test_it_says_what_each_side_learnt(self, unfitted: Trial, tmp_path: Path) -> None:
        trial = unfitted.copied(tmp_path / "warehouse")
        result = liq(trial, "--from", "2026-11-19", "--to", "2026-11-20", "--format", "csv")
        assert result.exit_code == 0, result.output
        rows = pl.read_csv(result.stdout.encode())
        assert rows.height == 6
        assert set(rows["day"]) == {"2026-11-20"}
        assert (
            "2026-11-19: fewer than 24 hours of liquidations in the 45 days before it; prior-3 stays in force"
            in result.stderr
        )
        assert "liq backfill --from 2026-11-19T00:00Z --to 2026-11-19T23:00Z" in result.stderr
        assert versions(trial) == {PRIOR_VERSION, VERSION}
        assert trial.ask("SELECT count(*) AS n FROM model.model_parameters WHERE basis = 'fitted'")["n"].item() == 240

    def test_today_is_the_default_and_a_table_is_for_people(self, unfitted: Trial, tmp_path: Path) -> None:
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
    def test_what_cannot_be_meant_is_refused(
        self, unfitted: Trial, arguments: tuple[str, ...], words: tuple[str, ...]
    ) -> None:
        result = liq(unfitted, *arguments)
        assert result.exit_code == 2
        assert all(word in result.stderr for word in words), result.stderr

    def test_too_little_to_learn_from_is_said(
        self, unfitted: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(calibration, "LEAST_HOURS", 11)
        result = liq(unfitted.copied(tmp_path / "warehouse"))
        assert (result.exit_code, "fit: 1 days to do" in result.stderr) == (0, True)
        assert result.stdout.startswith("2026-11-20: fewer than")

    def test_without_a_warehouse_nothing_is_made(self, tmp_path: Path) -> None:
        nowhere = Trial(tmp_path / "nowhere", "")
        assert liq(nowhere).exit_code == 2
        assert not nowhere.root.exists()
