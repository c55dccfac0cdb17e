"""`liq sensitivity` on a hand-made warehouse: rows, charts, and hours without kept state."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from expectations.columns.kinds import EXCHANGES
from expectations.tables import table
from tests.transforms.stated_parameters import stated_parameters
from transforms.estimation.state import store
from transforms.model.population import Population
from warehouse.catalog import build as catalog
from warehouse.cli.main import app
from warehouse.storage.store import open_store

HOUR = datetime(2026, 1, 11, 23)
MARK = 103_753.0


def liq(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["sensitivity", *arguments], prog_name="liq")


@pytest.fixture
def with_state(small_warehouse: Path) -> Path:
    crowds = {}
    for s in (1, -1):
        crowds[s] = Population.empty(s, MARK)
        at = crowds[s].reached(MARK) - crowds[s].origin - s * 30
        crowds[s].cells[..., min(at, at + 10 * s) : max(at, at + 10 * s)] = 1e3
        crowds[s].standing = crowds[s].open_interest = 1e9
    about = {"coin": "BTC", "instrument": "BTCUSDT", "source": "simulated"}
    states = [store(crowds, HOUR, about | {"exchange": each})["state_positions"] for each in EXCHANGES]
    into = open_store(small_warehouse, "simulated", create=False)
    into.write_partitions(table("state_positions"), pl.concat(states))
    into.write(table("model_parameters"), stated_parameters(), {})
    catalog.build(small_warehouse)
    return small_warehouse


def test_file_extension_selects_rows_or_chart(with_state: Path) -> None:
    out = with_state.parent / "rows.csv"
    assert liq("btc", "--out", str(out)).exit_code == 0
    rows = pl.read_csv(out)
    assert rows.columns[:5] == ["coin", "hour_utc", "exchange", "side", "distance_bp"]
    assert set(rows["assumption"]) == {"public", "ladder", "fitted"}
    assert rows["cumulative_usd"].sum() > 0
    for name, head in (("it.png", b"\x89PNG"), ("it.html", b"<!DOCTYPE html>")):
        picture = with_state.parent / name
        assert liq("BTC", "--as-of", "2026-01-11T23:30Z", "--out", str(picture)).exit_code == 0
        assert picture.read_bytes().lstrip()[: len(head)].lower() == head.lower()


@pytest.mark.usefixtures("with_state")
def test_hour_without_state_is_refused_with_an_alternative() -> None:
    result = liq("BTC", "--as-of", "2026-01-12T00:00Z")
    assert result.exit_code == 2
    assert "no state of BTC at 2026-01-12T00:00Z" in result.stderr
    assert "--as-of 2026-01-11T23:00Z" in result.stderr


@pytest.mark.usefixtures("with_state")
def test_coin_or_hour_without_map_is_refused() -> None:
    for words in (("DOGE",), ("BTC", "--as-of", "2025-01-12T00:00Z")):
        result = liq(*words)
        assert result.exit_code == 2
        assert "; there are " in result.stderr
