"""A bulk run makes some days of a map at once, and checks them in pieces: nothing in the tables tells."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from warehouse.changes import until_sources_change
from warehouse.estimate import Coin

from expectations.tables import table
from tests.expectations.sound import sound
from tests.warehouse.trial import Trial
from warehouse import estimate, pieces
from warehouse.progress import Silent
from warehouse.simulator import Simulation
from warehouse.store import Stage, Store

FIRST, LAST = datetime(2026, 11, 18, 20), datetime(2026, 11, 20, 3)
MAPS = ("liquidation_levels", "position_books", "swept_activity", "liquidation_curve", "market_balance",
        "liquidation_clusters", "cascade_risk", "cascade_reach", "market_summary")  # fmt: skip
BEGUN = datetime(2026, 1, 5)


@pytest.fixture(scope="module")
def three_days(quiet_exchanges: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    made = Trial(tmp_path_factory.mktemp("three_days") / "warehouse", quiet_exchanges.url)
    made.run(FIRST, LAST)
    return made


def test_a_month_that_was_held_back_is_made_again_whole(three_days: Trial, tmp_path: Path) -> None:
    made = three_days.copied(tmp_path / "warehouse")
    month = Path("mart/market_summary/coin=BTC/month=2026-11")
    shutil.copytree(made.root / month, made.root / "quarantine" / month)
    whole = made.rows("market_summary")
    published, contract = Store(made.root), table("market_summary")
    published.write_partitions(contract, whole.head(1))
    stage = Stage(published, "mended")
    Coin("BTC", stage.store, published).mend()
    assert stage.store.read(contract, stage.keys_of(contract)).equals(whole)


def test_a_map_made_at_once_is_that_of_its_days(
    three_days: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = three_days.copied(tmp_path / "warehouse")
    by_day = {name: made.rows(name) for name in MAPS}
    shutil.rmtree(made.root / "mart" / "standing_positions")
    monkeypatch.setattr(estimate, "kept", lambda day, newest: False)
    published = Store(made.root)
    stage = Stage(published, "at-once")
    list(Coin("BTC", stage.store, published).build(FIRST, LAST, Silent()))
    assert len(stage.keys_of(table("standing_positions"))) == 1
    for name, rows in by_day.items():
        assert stage.keys_of(table(name)) == published.keys(table(name)) != []
        assert stage.store.read(table(name), stage.keys_of(table(name))).equals(rows), name


def bars(sources: list[str]) -> pl.DataFrame:
    """A bar of each day, ending at noon, of the source given."""
    opened = [BEGUN + timedelta(days=i, hours=11) for i in range(len(sources))]
    about = {"exchange": "binance", "instrument": "BTCUSDT", "source": sources, "open_utc": opened}
    return pl.DataFrame({**about, "interval_minutes": 60})


@pytest.mark.parametrize(("sources", "days"), [(["live"] * 3, 3), (["live", "live", "imported:a"], 2)])
def test_days_of_one_source_are_made_at_once(sources: list[str], days: int) -> None:
    last = BEGUN + timedelta(days=3, hours=-1)
    assert until_sources_change(bars(sources), BEGUN, last) == BEGUN + timedelta(days=days, hours=-1)


def test_pieces_hold_whole_coins_or_a_part_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contract, stage = table("market_balance"), Stage(Store(tmp_path), "checked")
    rows = sound(contract.name)
    size = stage.store.write(contract, rows, {"coin": "A", "date": date(2026, 1, 1)}).stat().st_size
    days = {"A": 1, "B": 1, "C": 3, "D": 1}
    keys = [{"coin": coin, "date": date(2026, 1, 1 + i)} for coin, length in days.items() for i in range(length)]
    for key in keys:
        stage.store.write(contract, rows, key)
    monkeypatch.setattr(pieces, "AT_ONCE", 2 * size)
    found = [([str(key["coin"]) for key in piece], newest) for piece, newest in pieces.pieces(stage, contract, keys)]
    assert found == [(["A", "B"], True), (["C", "C"], False), (["C", "D"], True)]
