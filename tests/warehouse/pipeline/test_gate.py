"""The gate: a failed partition is quarantined with its dependents and siblings, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from expectations.tables import table
from tests.warehouse.trial import A, Trial
from warehouse.pipeline import gate
from warehouse.progress import Silent
from warehouse.storage.staging import Stage
from warehouse.storage.store import Store

Break = Callable[[pl.DataFrame], pl.DataFrame]
KEY = {"coin": "BTC", "date": A.date()}
OTHER = {"coin": "ETH", "date": A.date()}
NAMES = ("price_bars", "open_interest", "liquidation_levels", "position_ledger", "liquidation_curve", "market_balance")


@pytest.fixture
def stage(one_hour: Trial, tmp_path: Path) -> Stage:
    """Return a stage with sound rows of BTC, and the same rows as ETH."""
    made = Stage(Store(tmp_path / "warehouse"), "checked")
    for name in NAMES:
        rows = Store(one_hour.root).read(table(name), [KEY])
        made.store.write(table(name), rows, KEY)
        made.store.write(table(name), rows.with_columns(pl.lit("ETH").alias("coin")), OTHER)
    return made


def broken(stage: Stage, name: str, spoil: Break) -> dict[str, str]:
    """Spoil table `name` of BTC; return BTC's quarantined tables and reasons. ETH must have none."""
    stage.store.write(table(name), spoil(stage.store.read(table(name), [KEY])), KEY)
    held = checked(stage)
    assert {partition for _, partition, _ in held} <= {f"coin=BTC/date={A.date()}"}
    assert {k["coin"] for k in gate.by_table(stage)[name]} == ({"ETH"} if held else {"BTC", "ETH"})
    return {full.split(".")[1]: why for full, _, why in held}


def checked(stage: Stage) -> list[gate.Held]:
    """Run the gate, record the results, and return the quarantined partitions."""
    results = gate.check(stage, A, Silent())
    held = gate.hold_back(stage, results)
    gate.record(stage, A, results)
    return held


def test_sound_rows_pass(stage: Stage) -> None:
    results = gate.check(stage, A, Silent())
    assert checked(stage) == []
    assert len(results) > 50
    assert stage.store.read(table("checks"), [{"date": A.date()}]).height == len(results)


def test_dependent_tables_are_quarantined(stage: Stage) -> None:
    held = broken(stage, "price_bars", lambda rows: rows.with_columns(high=pl.col("low") / 2))
    assert set(held) == set(NAMES)
    assert held["price_bars"].startswith("core.price_bars.high_and_low_bound_the_bar: ")
    assert held["liquidation_curve"].startswith("built from mart.liquidation_levels coin=BTC")


def test_inputs_are_not_quarantined(stage: Stage) -> None:
    held = broken(stage, "liquidation_curve", lambda rows: rows.with_columns(cumulative_usd=-1.0))
    assert set(held) == {"liquidation_curve", "market_balance"}


def test_tables_of_one_build_are_quarantined_together(stage: Stage) -> None:
    held = broken(stage, "position_ledger", lambda rows: rows.with_columns(closing_base=pl.col("closing_base") * 2))
    assert set(held) == set(NAMES) - {"price_bars", "open_interest"}
    assert held["liquidation_levels"] == "built together with model.position_ledger, which is quarantined"


def test_warning_is_recorded_and_quarantines_nothing(stage: Stage) -> None:
    assert broken(stage, "open_interest", lambda r: r.with_columns(pl.col("open_interest_usd") * 1.05)) == {}
    recorded = stage.store.read(table("checks"), [{"date": A.date()}]).filter(~pl.col("passed"))
    assert recorded.select("severity", "check_name", "partition").rows() == [
        ("WARN", "value_within_2pct_of_mark", f"coin=BTC/date={A.date()}")
    ]


def test_checks_of_an_hour_are_replaced(stage: Stage) -> None:
    checked(stage)
    first = stage.store.read(table("checks"), [{"date": A.date()}]).height
    checked(stage)
    recorded = stage.store.read(table("checks"), [{"date": A.date()}])
    assert recorded.height >= first > 50
    assert recorded.unique(["table_name", "partition", "check_name"]).height == recorded.height
    assert set(recorded["hour_utc"]) == {A}


def test_checks_of_other_coins_are_kept(stage: Stage) -> None:
    checked(stage)
    before = stage.store.read(table("checks"), [{"date": A.date()}])
    for contract, key in list(stage.staged()):
        if key.get("coin") == "BTC":
            stage.store.path(contract, key).unlink()
    checked(stage)
    after = stage.store.read(table("checks"), [{"date": A.date()}])
    of_btc = before.filter(pl.col("partition").str.contains("coin=BTC"))
    assert of_btc.height > 0
    assert after.filter(pl.col("partition").str.contains("coin=BTC")).equals(of_btc)
