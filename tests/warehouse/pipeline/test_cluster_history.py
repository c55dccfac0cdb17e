"""mart.cluster_history in a run: days that are rebuilt, and equality with a build of all days at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import expectations.validation.gx
from expectations.tables import table
from expectations.validation.counts import Count
from expectations.validation.gx import CheckResult
from tests.transforms.tracks import FIRST as BEGIN
from tests.transforms.tracks import Hours, frame, inputs
from tests.warehouse.trial import MADE, Trial, differing
from transforms.hourly.hours import HOUR
from transforms.tables.cluster_history import build
from warehouse.clock import hours
from warehouse.pipeline.engine import Lane, Walk
from warehouse.simulator import Simulation
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

FIRST, MIDNIGHT, LAST = datetime(2026, 11, 19, 21), datetime(2026, 11, 20), datetime(2026, 11, 20, 2)
HISTORY = table("cluster_history")
CLUSTER = ["hour_utc", "side", "cluster_id"]
NAMES = ("liquidation_clusters", "position_ledger", "price_bars", "realised_liquidations", "realised_coverage")
CALM, SWEPT, QUIET = ([(2, 4, 50), (3, 3, 9)], (0, 0)), ([(4, 3, 9)], (6, 0)), ([], (0, 0))
DAYS: Hours = [*[CALM] * 3, SWEPT, *[CALM] * 24, *[QUIET] * 48, CALM]
"""Hours in which the nearer long cluster is swept on the first day, and the third and fourth day have none."""


@pytest.fixture(scope="module")
def made(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    trial = Trial(tmp_path_factory.mktemp("tracks") / "warehouse", quiet_exchanges.url)
    assert trial.run(FIRST, LAST).status == "published"
    return trial


def test_every_cluster_of_every_hour_has_an_active_track(made: Trial) -> None:
    tracks, clusters = made.rows("cluster_history"), made.rows("liquidation_clusters")
    standing = tracks.filter(track_status="active")
    assert standing.select(CLUSTER).sort(CLUSTER).equals(clusters.select(CLUSTER).sort(CLUSTER))
    same = ["mark_price", "distance_bp", "notional_usd", "is_stale", "parameters_version", "source"]
    assert standing.sort(CLUSTER).select(same).equals(clusters.sort(CLUSTER).select(same))
    assert set(standing["hour_utc"]) == set(hours(FIRST, LAST))
    over_midnight = standing.filter((pl.col("hour_utc") == LAST) & (pl.col("born_utc") < MIDNIGHT))
    assert over_midnight.height > 3


def test_deleted_day_is_rebuilt_by_the_next_run(made: Trial, tmp_path: Path) -> None:
    again = made.copied(tmp_path / "warehouse")
    shutil.rmtree(again.root / f"mart/cluster_history/coin=BTC/date={FIRST:%Y-%m-%d}")
    again.run(LAST)
    assert differing(made.files(*MADE), again.files(*MADE)) == []


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    whole = expectations.validation.gx.decide

    def failing(name: str) -> None:
        def decide(counts: Sequence[Count]) -> list[CheckResult]:
            return [replace(r, passed=r.table_name != name, reason="not today") for r in whole(counts)]

        monkeypatch.setattr(expectations.validation.gx, "decide", decide)

    return failing


def test_quarantined_day_and_later_days_are_rebuilt(
    made: Trial, tmp_path: Path, failing: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    again = Trial(tmp_path / "warehouse", made.url)
    failing("cluster_history")
    assert {name for name, _, _ in again.run(FIRST, MIDNIGHT + HOUR).quarantined} == {"mart.cluster_history"}
    assert again.rows("cluster_history").is_empty()
    monkeypatch.undo()
    assert again.run(LAST).quarantined == []
    assert differing(made.files(*MADE), again.files(*MADE)) == []
    assert again.leftovers() == []


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Return a stage over five published days of a coin with their tracks."""
    store = Store(tmp_path / "warehouse")
    for name, rows in zip(NAMES, inputs(DAYS), strict=True):
        store.write_partitions(table(name), rows)
    for at in range(5):  # a day without clusters has files without rows
        for name in ("liquidation_clusters", "realised_liquidations", "realised_coverage"):
            key = {"coin": "BTC", "date": BEGIN.date() + timedelta(days=at)}
            if not store.find(table(name), key):
                store.write(table(name), table(name).empty(), key)
    return published(Stage(store, "first"))


def published(stage: Stage) -> Stage:
    follow(stage)
    stage.publish()
    return Stage(stage.published, "next")


def follow(stage: Stage) -> list[date]:
    """Build the stale days of the history and return them."""
    days = tuple(BEGIN.date() + timedelta(days=at) for at in range(5))
    walk = Walk(stage.store, Lane(("cluster_history",), days, ("BTC",)))
    list(walk.run())
    return [date.fromisoformat(built.label[-10:]) for built in walk.built]


def contents(stage: Stage) -> dict[str, str]:
    """Return the content digest of each published day."""
    keys = stage.published.keys(HISTORY)
    return {str(key["date"]): footer.content for key in keys if (footer := stage.published.footer(HISTORY, key))}


def tracks(stage: Stage) -> pl.DataFrame:
    return stage.published.read(HISTORY, stage.published.keys(HISTORY))


def test_daily_builds_equal_one_build_and_empty_day_has_a_file(stage: Stage) -> None:
    assert tracks(stage).equals(build(*inputs(DAYS)))
    heights = {str(key["date"]): stage.published.read(HISTORY, [key]).height for key in stage.published.keys(HISTORY)}
    assert [day for day, height in heights.items() if not height] == ["2026-01-08"]
    assert list(heights) == [f"2026-01-{day:02}" for day in range(5, 10)]


def test_late_liquidation_changes_only_the_day_of_the_sweep(stage: Stage) -> None:
    before = tracks(stage)
    (end,) = before.filter(track_status="swept").to_dicts()
    assert (end["hour_utc"], end["realised_usd"], end["realised_is_complete"]) == (BEGIN + 3 * HOUR, None, None)
    event = {"time_utc": end["swept_utc"] + HOUR / 2, "side": "long", "price": end["price_peak"], "notional_usd": 70.0}
    told = {
        "realised_liquidations": event | {"hour_utc": None, "open_utc": event["time_utc"], "completeness": "complete"}
    }
    told |= {"realised_coverage": {"hour_utc": end["hour_utc"], "completeness": "complete"}}
    for name, row in told.items():
        stage.store.write_partitions(table(name), frame(name, [row]))
    before_contents = contents(stage)
    assert follow(stage) == [
        date(2026, 1, 5),
        date(2026, 1, 6),
    ]  # the hour up to midnight may hold events of the day before
    stage.publish()
    now_contents = contents(stage)
    assert [day for day in now_contents if now_contents[day] != before_contents[day]] == ["2026-01-05"]
    (now,) = tracks(stage).filter(track_status="swept").to_dicts()
    assert (now["realised_usd"], now["realised_is_complete"]) == (70.0, True)
    realised = ["realised_usd", "realised_is_complete"]
    assert tracks(stage).drop(realised).equals(before.drop(realised))


def test_rebuilt_map_changes_later_days(stage: Stage) -> None:
    before, other = tracks(stage), DAYS.copy()
    other[5] = QUIET
    for name, rows in zip(NAMES, inputs(other), strict=True):
        if name == "liquidation_clusters":
            stage.store.write_partitions(table(name), rows.filter(pl.col("date") == date(2026, 1, 6)))
    stage = published(stage)
    assert not tracks(stage).equals(before)
    assert tracks(stage).equals(build(*inputs(other)))
