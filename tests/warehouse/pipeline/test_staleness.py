"""Staleness after a change: only dependents are built, and the files equal a full rebuild."""

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
from transforms.hourly.hours import HOUR
from transforms.tables import model_parameters
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
    """Return a shared warehouse of four days, of which the first and the last are partial."""
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
    """Build the stale units and return their tables and days in order."""
    stage = Stage(Store(trial.root), "tried")
    made = [each.label for each in build(stage, whole(trial, **options))]
    stage.publish()
    return [(label.split(".")[1].split(" ")[0], label[-10:]) for label in made]


def test_nothing_is_stale_after_a_build(trial: Trial) -> None:
    assert built(trial) == []


def test_late_bar_rebuilds_its_day_and_dependents(trial: Trial, tmp_path: Path) -> None:
    """The bar moves the mark, which changes the state at the day's end and every later day."""
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
    """Add a late payload in which the low of one exchange's noon mark bar is 0.3 % lower."""
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


def test_repeated_answer_rebuilds_core_tables_only(trial: Trial) -> None:
    store, payloads = Store(trial.root), table("payloads")
    rows = store.read(payloads, [{"exchange": "bybit", "date": DAYS[1]}])
    again = rows.filter(endpoint="mark_bars").with_columns(pl.col("received_at_utc") + timedelta(hours=1))
    store.write_partitions(payloads, pl.concat([rows, again]))
    made = built(trial)
    assert {name for name, _ in made} == {
        "price_bars", "open_interest", "positioning", "realised_coverage", "realised_liquidations"
    }  # fmt: skip
    assert {day for _, day in made} == {"2026-11-18", "2026-11-19"}


def test_new_parameters_rebuild_the_days_they_apply_to(trial: Trial) -> None:
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
def test_only_the_deleted_file_is_rebuilt(filled: Trial, trial: Trial, name: str) -> None:
    contract = table(name)
    shutil.rmtree(trial.root / contract.layer / name / f"coin=BTC/date={DAYS[1]}")
    assert built(trial) == [(name, "2026-11-18")]
    assert differing(filled.whole_files("core", "model", "mart"), trial.whole_files("core", "model", "mart")) == []


def test_quarantined_partition_is_rebuilt_until_it_passes(filled: Trial, trial: Trial) -> None:
    held = Path("mart/liquidation_curve") / f"coin=BTC/date={DAYS[2]}"
    shutil.copytree(trial.root / held, trial.root / "quarantine" / held)
    stage = Stage(Store(trial.root), "tried")
    assert [each.label for each in build(stage, whole(trial))] == [f"mart.liquidation_curve coin=BTC/date={DAYS[2]}"]
    stage.publish()
    assert not (trial.root / "quarantine" / held).exists()
    assert differing(filled.whole_files("core", "model", "mart"), trial.whole_files("core", "model", "mart")) == []


def test_later_backfill_of_the_past_equals_one_backfill(
    filled: Trial, quiet_exchanges: Simulation, tmp_path: Path
) -> None:
    """The first day now starts earlier, from another state, so that day and all later days are rebuilt."""
    made = Trial(tmp_path / "later", quiet_exchanges.url)
    made.backfill(datetime(2026, 11, 18, 5), LAST)
    assert made.backfill(FIRST, datetime(2026, 11, 18, 4)).quarantined == []
    assert differing(filled.files(*MADE), made.files(*MADE)) == []
    assert differing(filled.whole_files("model", "mart"), made.whole_files("model", "mart")) == []


def test_pruned_state_is_rebuilt_first(filled: Trial, trial: Trial) -> None:
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


def test_lost_input_outside_the_walk_is_built_first(filled: Trial, trial: Trial) -> None:
    """The third day's levels need the second day's last bars, which the walk does not visit."""
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


def test_bad_past_day_does_not_block_the_current_hour(
    filled: Trial, trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hourly run rebuilds the week before; failed days are quarantined, and its own hour is published."""
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


def test_published_hours_survive_lost_levels(trial: Trial) -> None:
    shutil.rmtree(trial.root / "mart/liquidation_levels" / f"coin=BTC/date={DAYS[0]}")
    assert graph.published_hours(Store(trial.root), "BTC") == [FIRST, datetime(2026, 11, 17, 23), LAST - 3 * HOUR, LAST]


@pytest.fixture
def short_lived_state() -> Iterator[None]:
    """Keep state for one day only."""
    kept = {name: table(name).kept_days for name in ("state_positions", "state_cohorts")}
    for name in kept:
        object.__setattr__(table(name), "kept_days", 1)
    yield
    for name, days in kept.items():
        object.__setattr__(table(name), "kept_days", days)


@pytest.mark.usefixtures("short_lived_state")
def test_long_range_is_built_once_with_short_lived_state(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chunk starts from the state at the end of the published chunk before, which must not be pruned yet."""
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


def test_fit_is_built_before_its_midnight(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    """This also holds if that midnight is the last hour of a chunk or of the plan."""
    fitted = ["2026-11-18", "2026-11-20"]
    monkeypatch.setattr(Store, "footer", lambda *_: Footer(units={day: {} for day in fitted}))
    plan = replace(whole(trial), last_hour=datetime(2026, 11, 20))
    _, *parts = graph.rebuild_plans(Store(trial.root), plan, timedelta(days=1))
    made = [[str(day) for day in part.days] or f"{part.first_hour:%dT%H} to {part.last_hour:%dT%H}" for part in parts]
    assert made == [
        "17T20 to 17T23", [fitted[0]], "18T00 to 18T00", "18T01 to 19T00", "19T01 to 19T23", [fitted[1]],
        "20T00 to 20T00",
    ]  # fmt: skip


def test_state_is_not_pruned_during_another_run(trial: Trial) -> None:
    store = Store(trial.root)
    old = store.path(table("state_positions"), {"coin": "BTC", "date": date(2026, 11, 2)})
    shutil.copytree(store.path(table("state_positions"), {"coin": "BTC", "date": DAYS[-1]}).parent, old.parent)
    with staging(store, "hourly") as own:
        with staging(store, "backfill"):
            prune(store, own=own)
            assert old.is_file()
        prune(store, own=own)
    assert not old.exists()


def test_rebuild_from_raw_gives_the_same_files(filled: Trial, trial: Trial) -> None:
    for layer in ("core", "model", "mart", "ops/gaps", "ops/partitions"):
        shutil.rmtree(trial.root / layer)
    summary = run.rebuild(trial.settings())
    assert (summary.quarantined, summary.fetched) == ([], {})
    assert differing(filled.whole_files(*MADE), trial.whole_files(*MADE)) == []


def test_maps_do_not_depend_on_exchange_code() -> None:
    """A change to one exchange's wire format must not rebuild every map of every coin."""
    for name in MART | {"model_parameters"}:
        if statement(table(name)) is None:
            read = staleness._imported(implementation(table(name)).__name__)
            assert not [module for module in read if module.startswith("transforms.exchanges")], name


def test_code_digest_ignores_comments_and_docstrings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments, docstrings and blank lines do not change the digest; code of an imported module does."""
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
def test_random_deletions_are_rebuilt_to_the_same_files(filled: Trial, trial: Trial, seed: int) -> None:
    rng = random.Random(seed)
    files = sorted(p for layer in ("core", "model", "mart") for p in (trial.root / layer).rglob("*.parquet"))
    for path in rng.sample(files, 12):
        if "model_parameters" not in str(path) and "standing" not in str(path) and "cohorts" not in str(path):
            path.unlink()
    trial.backfill(FIRST, LAST)
    recover(Store(trial.root))
    assert differing(filled.whole_files(*MADE), trial.whole_files(*MADE)) == []


def test_parameters_footer_names_the_stated_prior(filled: Trial) -> None:
    footer = Store(filled.root).footer(PARAMETERS, {})
    assert footer is not None
    assert set(footer.units) == {str(model_parameters.STATED)}


def test_partitions_table_equals_the_footers(filled: Trial) -> None:
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
