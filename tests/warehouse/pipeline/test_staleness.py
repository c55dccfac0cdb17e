"""What a change makes stale: only what depends on it is built, and the files equal those of a full rebuild."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from expectations.tables import table
from expectations.validation.gx import CheckResult
from tests.warehouse.trial import MADE, Trial, build, differing
from transforms.tables import model_parameters
from warehouse.clock import HOUR
from warehouse.pipeline import gate, graph, run, staleness
from warehouse.pipeline.build import implementation, statement
from warehouse.pipeline.engine import Built, Lane, Walk
from warehouse.pipeline.run_log import RunSummary
from warehouse.pipeline.staleness import code_digest
from warehouse.pipeline.workers import walk_all
from warehouse.plan import Plan
from warehouse.progress import Silent
from warehouse.simulator import Simulation
from warehouse.storage.parquet import Footer
from warehouse.storage.prune import prune
from warehouse.storage.staging import Stage, recover, staging
from warehouse.storage.store import Store

FIRST, LAST = datetime(2026, 11, 17, 20), datetime(2026, 11, 20, 3)
DAYS = [date(2026, 11, day) for day in (17, 18, 19, 20)]
BARS, LEVELS, PARAMETERS = map(table, ("price_bars", "liquidation_levels", "model_parameters"))
MART = {"liquidation_levels", "liquidation_curve", "market_balance", "liquidation_clusters", "cascade_risk",
        "cascade_contagion", "market_summary", "sweeps", "cluster_history"}  # fmt: skip


@pytest.fixture(scope="module")
def filled(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Four days, of which the first and the last are begun."""
    made = Trial(tmp_path_factory.mktemp("filled") / "warehouse", quiet_exchanges.url)
    assert made.backfill(FIRST, LAST).quarantined == []
    return made


@pytest.fixture
def trial(filled: Trial, tmp_path: Path) -> Trial:
    return filled.copied(tmp_path / "warehouse")


def whole(trial: Trial, **options: object) -> Plan:
    plan = Plan.of_range(FIRST, LAST, trial.settings())
    return Plan(plan.first_hour, plan.last_hour, plan.coins, plan.exchanges, retry_failed=False, **options)  # type: ignore[arg-type]


def built(trial: Trial, **options: object) -> list[tuple[str, str]]:
    """The units that the loop builds now, in order, as table and day."""
    stage = Stage(Store(trial.root), "tried")
    made = [each.label for each in build(stage, whole(trial, **options))]
    stage.publish()
    return [(label.split(".")[1].split(" ")[0], label[-10:]) for label in made]


def test_nothing_is_stale_once_it_is_built(trial: Trial) -> None:
    assert built(trial) == []


def test_a_late_bar_changes_its_day_and_what_hangs_on_it(trial: Trial, tmp_path: Path) -> None:
    """The bar moves the mark, so the state at the day's end differs, and with it every later day."""
    late(trial, DAYS[1])
    made = built(trial)
    assert ("price_bars", "2026-11-17") not in made
    assert {day for name, day in made if name == "liquidation_levels"} == {"2026-11-18", "2026-11-19", "2026-11-20"}
    assert {name for name, day in made if day == "2026-11-19"} >= MART
    assert built(trial) == []
    anew = trial.copied(tmp_path / "anew")
    run.rebuild(anew.settings())
    assert differing(anew.whole_files("core", "model", "mart"), trial.whole_files("core", "model", "mart")) == []


def late(trial: Trial, day: date) -> None:
    """An answer that came late: noon's mark of one exchange was 0.3 % lower than it was told."""
    store, payloads = Store(trial.root), table("payloads")
    key = {"exchange": "bybit", "date": day}
    rows = store.read(payloads, [key])
    told = rows.filter(endpoint="mark_bars").head(1)
    row = told.row(0, named=True)
    listed = json.loads(row["body"])
    noon = len(listed["result"]["list"]) // 2
    listed["result"]["list"][noon][3] = str(float(listed["result"]["list"][noon][3]) * 0.997)
    body = json.dumps(listed).encode()
    digest = sha256(body).hexdigest()
    received = rows["received_at_utc"].max() + HOUR  # type: ignore[operator]
    more = told.with_columns(
        body=pl.lit(body), sha256=pl.lit(digest), received_at_utc=pl.lit(received).cast(pl.Datetime("ms"))
    )
    store.write_partitions(payloads, pl.concat([rows, more.select(rows.columns)]))


def test_an_answer_that_says_the_same_again_ends_with_the_core_tables(trial: Trial) -> None:
    store, payloads = Store(trial.root), table("payloads")
    rows = store.read(payloads, [{"exchange": "bybit", "date": DAYS[1]}])
    again = rows.filter(endpoint="mark_bars").with_columns(pl.col("received_at_utc") + timedelta(hours=1))
    store.write_partitions(payloads, pl.concat([rows, again]))
    made = built(trial)
    assert {name for name, _ in made} == {
        "price_bars", "open_interest", "positioning", "realised_coverage", "realised_liquidations"
    }  # fmt: skip
    assert {day for _, day in made} == {"2026-11-18", "2026-11-19"}


def test_a_version_of_the_parameters_changes_the_days_that_it_applies_to(trial: Trial) -> None:
    store, stated = Store(trial.root), Store(trial.root).read(PARAMETERS, [{}])
    weight = pl.col("parameter") == "weight"
    version = stated.with_columns(
        version=pl.lit("fit-2026-11-19"), basis=pl.lit("fitted"),
        valid_from_utc=pl.lit(datetime(2026, 11, 19)).cast(pl.Datetime("ms")),
        value=pl.when(weight).then(pl.col("value") * 1.2).otherwise("value"),
    )  # fmt: skip
    footer = store.footer(PARAMETERS, {})
    assert footer is not None
    both = PARAMETERS.conform(pl.concat([stated, version.select(stated.columns)]))
    store.write(PARAMETERS, both, {}, footer.units)
    made = built(trial)
    assert {day for name, day in made if name == "liquidation_levels"} == {"2026-11-19", "2026-11-20"}
    assert not {name for name, _ in made} & {"price_bars", "open_interest", "gaps"}
    books = trial.rows("position_ledger").group_by("date").agg(pl.col("parameters_version").unique())
    assert dict(books.sort("date").rows()) == {
        day: ["fit-2026-11-19" if day >= DAYS[2] else stated["version"][0]] for day in DAYS
    }


@pytest.mark.parametrize("name", ["price_bars", "liquidation_levels", "liquidation_curve", "cluster_history"])
def test_a_deleted_file_is_built_and_nothing_else(filled: Trial, trial: Trial, name: str) -> None:
    contract = table(name)
    shutil.rmtree(trial.root / contract.layer / name / f"coin=BTC/date={DAYS[1]}")
    assert built(trial) == [(name, "2026-11-18")]
    assert differing(filled.whole_files("core", "model", "mart"), trial.whole_files("core", "model", "mart")) == []


def test_what_is_held_back_is_built_until_it_passes(filled: Trial, trial: Trial) -> None:
    held = Path("mart/liquidation_curve") / f"coin=BTC/date={DAYS[2]}"
    shutil.copytree(trial.root / held, trial.root / "quarantine" / held)
    stage = Stage(Store(trial.root), "tried")
    assert [each.label for each in build(stage, whole(trial))] == [f"mart.liquidation_curve coin=BTC/date={DAYS[2]}"]
    stage.publish()
    assert not (trial.root / "quarantine" / held).exists()
    assert differing(filled.whole_files("core", "model", "mart"), trial.whole_files("core", "model", "mart")) == []


def test_a_past_that_is_filled_later(filled: Trial, quiet_exchanges: Simulation, tmp_path: Path) -> None:
    """The first day was begun at another hour, and has a state before it now: it is built again, and those after it."""
    made = Trial(tmp_path / "later", quiet_exchanges.url)
    made.backfill(datetime(2026, 11, 18, 5), LAST)
    assert made.backfill(FIRST, datetime(2026, 11, 18, 4)).quarantined == []
    assert differing(filled.files(*MADE), made.files(*MADE)) == []
    assert differing(filled.whole_files("model", "mart"), made.whole_files("model", "mart")) == []


def test_a_state_that_was_deleted_for_its_age_is_built_first(filled: Trial, trial: Trial) -> None:
    for name in ("state_positions", "state_cohorts"):
        for day in DAYS[:2]:
            shutil.rmtree(trial.root / "model" / name / f"coin=BTC/date={day}")
    shutil.rmtree(trial.root / "mart/liquidation_levels" / f"coin=BTC/date={DAYS[2]}")
    lane = Lane(("liquidation_levels",), (DAYS[2],), ("BTC",), history={"BTC": (FIRST, LAST)})
    stage = Stage(Store(trial.root), "tried")
    walk = Walk(stage.store, lane)
    list(walk.run())
    assert [each.label[-10:] for each in walk.built] == ["2026-11-17", "2026-11-18", "2026-11-19"]
    stage.publish()
    assert differing(filled.files("model", "mart"), trial.files("model", "mart")) == []


def test_a_lost_input_outside_the_walk_is_built_first(filled: Trial, trial: Trial) -> None:
    """The third day's levels need the second day's last bars, though the walk does not come there."""
    for name, day in (("price_bars", DAYS[1]), ("liquidation_levels", DAYS[2])):
        contract = table(name)
        shutil.rmtree(trial.root / contract.layer / name / f"coin=BTC/date={day}")
    lane = Lane(("liquidation_levels",), (DAYS[2],), ("BTC",), history={"BTC": (FIRST, LAST)})
    stage = Stage(Store(trial.root), "tried")
    walk = Walk(stage.store, lane)
    list(walk.run())
    assert [each.label for each in walk.built] == [
        f"core.price_bars coin=BTC/date={DAYS[1]}", f"mart.liquidation_levels coin=BTC/date={DAYS[2]}"
    ]  # fmt: skip
    stage.publish()
    assert differing(filled.files("core", "model", "mart"), trial.files("core", "model", "mart")) == []


def test_a_bad_day_of_the_past_holds_back_only_itself(
    filled: Trial, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hourly run mends the week before; what it cannot mend is quarantined, and its own hour is published."""
    check, bad = gate.check, f"coin=BTC/date={DAYS[1]}"

    def failing(stage: Stage, *given: Any) -> list[CheckResult]:
        results: list[CheckResult] = check(stage, *given)
        return [
            replace(each, passed=False, failing_rows=1, reason="an impossible bar")
            if (each.table_name, each.partition, each.severity) == ("price_bars", bad, "FAIL")
            else each
            for each in results
        ]

    monkeypatch.setattr(gate, "check", failing)
    late(trial, DAYS[1])
    summary = trial.run(LAST + HOUR)
    assert ("core.price_bars", bad, "an impossible bar") in summary.quarantined
    assert {partition[-10:] for _, partition, _ in summary.quarantined} == {str(day) for day in DAYS[1:3]}
    held = {path.parent.name for path in (trial.root / "quarantine").rglob("reason.txt")}
    assert held == {f"date={day}" for day in DAYS[1:3]}
    assert (trial.root / "quarantine/core/price_bars" / bad / "reason.txt").read_text().startswith("an impossible bar")
    assert trial.ask("SELECT hour_utc FROM ops.watermark").item() == LAST + HOUR
    assert trial.ask("SELECT max(hour_utc) FROM mart.market_balance").item() == LAST + HOUR
    past = [f"mart/liquidation_levels/coin=BTC/date={day}" for day in DAYS[:3]]
    assert differing(filled.files(*past), trial.files(*past)) == []


def test_a_map_has_its_hours_though_its_first_levels_are_lost(trial: Trial) -> None:
    shutil.rmtree(trial.root / "mart/liquidation_levels" / f"coin=BTC/date={DAYS[0]}")
    assert graph.published_hours(Store(trial.root), "BTC") == [FIRST, datetime(2026, 11, 17, 23), LAST - 3 * HOUR, LAST]


@pytest.fixture
def short_lived_state() -> Iterator[None]:
    """State goes once it is a day old."""
    kept = {name: table(name).kept_days for name in ("state_positions", "state_cohorts")}
    for name in kept:
        object.__setattr__(table(name), "kept_days", 1)
    yield
    for name, days in kept.items():
        object.__setattr__(table(name), "kept_days", days)


@pytest.mark.usefixtures("short_lived_state")
def test_a_long_range_is_built_once_though_its_state_is_old(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk is published before the next is built, which begins with the state at its end: that is not pruned yet."""
    made: list[str] = []

    def spied(*given: Any) -> Iterator[Built]:
        for each in walk_all(*given):
            made.append(each.label)
            yield each

    monkeypatch.setattr(run, "walk_all", spied)
    late(trial, DAYS[1])
    store, settings, plan = Store(trial.root), trial.settings(), whole(trial)
    summary = RunSummary.of(plan, settings)
    for part in plan.chunks(timedelta(days=1)):
        run.make(store, settings, part, Silent(), summary, 1)
    maps = [label for label in made if "liquidation_levels" in label]
    assert maps == [f"mart.liquidation_levels coin=BTC/date={day}" for day in DAYS[1:]]
    run.finish(store, settings, plan, summary, FIRST, Silent())
    assert {key["date"] for key in store.keys(table("state_positions"))} == {DAYS[-1]}


def test_a_fit_is_made_before_the_midnight_it_is_for(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where that midnight is the last hour of a week, or of all."""
    fitted = ["2026-11-18", "2026-11-20"]
    monkeypatch.setattr(Store, "footer", lambda *_: Footer(units={day: {} for day in fitted}))
    plan = replace(whole(trial), last_hour=datetime(2026, 11, 20))
    _, *parts = graph.rebuild_plans(Store(trial.root), plan, timedelta(days=1))
    made = [[str(day) for day in part.days] or f"{part.first_hour:%dT%H} to {part.last_hour:%dT%H}" for part in parts]
    assert made == [
        "17T20 to 17T23", [fitted[0]], "18T00 to 18T00", "18T01 to 19T00", "19T01 to 19T23", [fitted[1]],
        "20T00 to 20T00",
    ]  # fmt: skip


def test_state_stays_while_another_run_may_be_about_to_read_it(trial: Trial) -> None:
    store = Store(trial.root)
    old = store.path(table("state_positions"), {"coin": "BTC", "date": date(2026, 11, 2)})
    shutil.copytree(store.path(table("state_positions"), {"coin": "BTC", "date": DAYS[-1]}).parent, old.parent)
    with staging(store, "hourly") as own:
        with staging(store, "backfill"):
            prune(store, own=own)
            assert old.is_file()
        prune(store, own=own)
    assert not old.exists()


def test_everything_from_raw_is_what_it_was(filled: Trial, trial: Trial) -> None:
    for layer in ("core", "model", "mart", "ops/gaps", "ops/partitions"):
        shutil.rmtree(trial.root / layer)
    summary = run.rebuild(trial.settings())
    assert (summary.quarantined, summary.fetched) == ([], {})
    assert differing(filled.whole_files(*MADE), trial.whole_files(*MADE)) == []


def test_no_map_hangs_on_the_code_of_an_exchange() -> None:
    """A change to one exchange's wire format must not build every map of every coin again."""
    for name in MART | {"model_parameters"}:
        if statement(table(name)) is None:
            read = staleness._imported(implementation(table(name)).__name__)
            assert not [module for module in read if module.startswith("transforms.exchanges")], name


def test_code_is_told_by_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment, a docstring or a blank line changes nothing; a number in a module that it imports does."""
    from transforms.model.clusters import tracking as cluster_tracks

    sources = {}
    source = staleness.inspect.getsource
    monkeypatch.setattr(staleness.inspect, "getsource", lambda module: sources.get(module) or source(module))

    def digest() -> str:
        for cached in (staleness._tree, staleness._dump_code, staleness._imports, staleness._code_digest):
            cached.cache_clear()
        return code_digest(table("cluster_history"))

    before, text = digest(), source(cluster_tracks)
    sources[cluster_tracks] = "# why\n" + text.replace('"""', '"""Other words. ', 1) + "\n\n"
    assert digest() == before
    sources[cluster_tracks] = text + "\nELSE = 1\n"
    assert digest() != before
    sources.clear()
    assert digest() == before


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_disturbed_the_loop_ends_where_building_all_anew_does(
    filled: Trial, trial: Trial, seed: int
) -> None:
    rng = random.Random(seed)
    files = sorted(p for layer in ("core", "model", "mart") for p in (trial.root / layer).rglob("*.parquet"))
    for path in rng.sample(files, 12):
        if "model_parameters" not in str(path) and "standing" not in str(path) and "cohorts" not in str(path):
            path.unlink()
    trial.backfill(FIRST, LAST)
    recover(Store(trial.root))
    assert differing(filled.whole_files(*MADE), trial.whole_files(*MADE)) == []


def test_the_stated_prior_is_there_before_any_map(filled: Trial) -> None:
    footer = Store(filled.root).footer(PARAMETERS, {})
    assert footer is not None
    assert set(footer.units) == {str(model_parameters.STATED)}


def test_the_manifest_has_what_the_footers_say(filled: Trial) -> None:
    told = filled.ask(
        "SELECT partition, built_from, content_digest FROM ops.partitions "
        "WHERE table_name = 'market_balance' ORDER BY 1"
    )
    assert told.height == len(DAYS)
    for partition, built_from, content in told.rows():
        footer = Store(filled.root).footer(table("market_balance"), {"coin": "BTC", "date": partition[-10:]})
        assert footer is not None
        assert (footer.content, str(footer.units[partition[-10:]]["code"]) in built_from) == (content, True)


def test_hours_after_a_plan_are_counted(filled: Trial) -> None:
    plan = Plan.of_range(FIRST, datetime(2026, 11, 19, 23), filled.settings())
    assert graph.hours_after(Store(filled.root), plan) == {"BTC": 4}
