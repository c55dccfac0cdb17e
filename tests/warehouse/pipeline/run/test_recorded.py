"""A recorded day of one coin: Binance and Bybit end to end, OKX without recorded open interest."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from tests.warehouse.trial import ROOT, Trial
from warehouse import settings
from warehouse.clock import hours
from warehouse.pipeline import run as pipeline

RECORDED = ROOT.parent / "shared" / "recorded"
FIRST, LAST = datetime(2026, 1, 5), datetime(2026, 1, 6)
pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="no recorded data beside the project (../shared/recorded)"
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    made = Trial(tmp_path_factory.mktemp("recorded") / "warehouse", "")
    asked = settings.load(source="recorded", recorded=RECORDED, warehouse=made.root, coins="BTC")
    summary = pipeline.run(asked, FIRST, LAST)
    assert summary.status == "published"
    assert summary.quarantined == []
    return made


@pytest.mark.parametrize("exchange", ["binance", "bybit"])
@pytest.mark.parametrize("name", ["position_ledger", "liquidation_levels", "liquidation_curve"])
def test_recorded_exchanges_have_every_hour(recorded: Trial, name: str, exchange: str) -> None:
    rows = recorded.rows(name).filter(pl.col("exchange") == exchange)
    assert set(rows["hour_utc"]) == set(hours(FIRST, LAST))
    assert not rows["is_stale"].any()
    assert set(rows["source"]) == {"recorded"}


def test_unrecorded_series_is_a_gap(recorded: Trial) -> None:
    assert recorded.rows("open_interest").filter(pl.col("exchange") == "okx").is_empty()
    missing = recorded.rows("gaps").filter((pl.col("state") == "missing") & (pl.col("series") == "open_interest"))
    assert set(missing["exchange"]) == {"okx"}
    assert set(missing["hour_utc"]) == set(hours(FIRST, LAST))
    assert recorded.rows("liquidation_levels").filter(pl.col("exchange") == "okx").is_empty()


def test_position_ledger_balances(recorded: Trial) -> None:
    books = recorded.rows("position_ledger").filter(pl.col("exchange") != "okx")
    moved = pl.col("opening_base") + pl.col("opened_base") - pl.col("closed_base") - pl.col("liquidated_base")
    off = books.select(((moved - pl.col("closing_base")).abs() / pl.col("closing_base")).max()).item()
    against_exchange = books.select((pl.col("closing_base") / pl.col("open_interest_base") - 1).abs().max()).item()
    sides = books.pivot("side", index=["exchange", "hour_utc"], values="closing_base")
    apart = sides.select((pl.col("long") / pl.col("short") - 1).abs().max()).item()
    assert sides.height == 2 * 25
    assert max(off, against_exchange, apart) < 1e-9


def test_clusters_and_balance_exist(recorded: Trial) -> None:
    assert set(recorded.rows("liquidation_clusters")["side"]) == {"long", "short"}
    balance = recorded.ask("SELECT DISTINCT hour_utc FROM mart.market_balance WHERE long_usd > 0 AND short_usd > 0")
    assert set(balance["hour_utc"]) == set(hours(FIRST, LAST))
