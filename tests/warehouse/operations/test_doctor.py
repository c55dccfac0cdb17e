from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from tests.warehouse.trial import Trial
from warehouse.cli.main import app
from warehouse.operations.doctor import exchange
from warehouse.storage.store import SCHEMA_VERSION

NOW = "2026-01-12T00:10Z"


def doctor(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    result = CliRunner().invoke(app, ["doctor", "--format", "json", *arguments], prog_name="liq")
    assert "Traceback" not in result.output
    rows = json.loads(result.stdout)
    several = [row["subject"] for row in rows]  # a coin has a row per table and reason
    names = [f"{name} {i}" if several.count(name) > 1 else name for i, name in enumerate(several)]
    return result.exit_code, dict(zip(names, rows, strict=True))


@pytest.fixture(autouse=True)
def _market(small_warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQ_NOW", NOW)


def test_healthy_warehouse_has_no_problems() -> None:
    code, found = doctor()
    assert code == 0, found
    assert found["exchange binance"]["finding"].endswith("ms")
    assert found["hours"]["finding"] == "published up to 2026-01-12 00:00 UTC (simulated data)"
    assert found["gaps okx"]["state"] == "note"
    assert found["quarantine"]["finding"] == "empty"


def test_each_setting_shows_its_origin(small_warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("LIQ_COINS=ETH\n")
    _, found = doctor("--warehouse", str(small_warehouse))
    assert found["LIQ_COINS"]["finding"] == "ETH (.env)"
    assert found["LIQ_WAREHOUSE"]["finding"] == f"{small_warehouse} (command line)"
    assert found["LIQ_NOW"]["finding"].endswith("(environment)")
    assert found["LIQ_SOURCE"]["finding"] == "simulated (default)"


def test_stale_hours_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQ_NOW", "2026-01-12T06:10Z")
    code, found = doctor()
    assert (code, found["hours"]["state"]) == (1, "wrong")
    assert "6 hours behind" in found["hours"]["finding"]
    assert found["hours"]["remedy"].startswith("liq run --hours 6")


def test_exchange_that_is_down_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BINANCE", "BINANCE_ARCHIVE", "BYBIT", "OKX"):
        monkeypatch.setenv(f"LIQ_{name}_URL", "http://127.0.0.1:9")
    code, found = doctor()
    assert code == 1
    assert "127.0.0.1:9 does not answer" in found["exchange okx"]["finding"]
    assert "LIQ_OKX_URL" in found["exchange okx"]["remedy"]


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (451, {}, "refuses this location"),
        (429, {"Retry-After": "7"}, "too many requests"),
        (200, {"content-type": "text/html"}, "not JSON"),
        (502, {}, "not JSON"),
    ],
)
def test_bad_answer_of_an_exchange_is_wrong(status: int, headers: dict[str, str], words: str) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(status, headers=headers))
    with httpx.Client(transport=transport) as client:
        found = exchange(client, "okx", "http://okx.test")
    assert found.state == "wrong"
    assert words in found.finding
    assert found.remedy


def test_quarantined_partition_is_wrong(small_warehouse: Path) -> None:
    held = small_warehouse / "quarantine/mart/liquidation_levels/coin=BTC/date=2026-01-12"
    held.mkdir(parents=True)
    (held / "reason.txt").write_text("books do not balance\n")
    code, found = doctor()
    assert code == 1
    assert "coin=BTC/date=2026-01-12: books do not balance" in found["quarantine"]["finding"]


def test_missing_warehouse_is_wrong(tmp_path: Path) -> None:
    code, found = doctor("--warehouse", str(tmp_path / "nowhere"))
    assert code == 1
    assert "no warehouse" in found["warehouse"]["finding"]
    assert found["warehouse"]["remedy"] == "liq run"


def test_other_schema_or_source_is_wrong(small_warehouse: Path) -> None:
    (small_warehouse / "warehouse.json").write_text(json.dumps({"schema": 0, "source": "simulated"}))
    assert "schema 0" in doctor()[1]["warehouse"]["finding"]
    (small_warehouse / "warehouse.json").write_text(json.dumps({"schema": SCHEMA_VERSION, "source": "simulated"}))
    assert "LIQ_SOURCE=simulated" in doctor("--source", "live")[1]["source"]["remedy"]


def test_missing_catalog_is_wrong(small_warehouse: Path) -> None:
    (small_warehouse / "catalog.duckdb").unlink()
    code, found = doctor()
    assert (code, found["catalog"]["remedy"]) == (1, "liq run")


def test_invalid_setting_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQ_OKX_URL", "okx")
    code, found = doctor()
    assert code == 1
    assert "LIQ_OKX_URL" in found["settings"]["finding"]


def test_default_format_is_a_table_with_a_verdict() -> None:
    result = CliRunner().invoke(app, ["doctor"], prog_name="liq")
    assert "remedy" in result.stdout
    assert result.stdout.rstrip().endswith("no problems, but some tables are stale; see the remedy column")


def test_days_without_provenance_are_stale(small_warehouse: Path) -> None:
    """The files of the hand-made warehouse have no provenance, and some tables are missing."""
    code, found = doctor()
    stale = [row for row in found.values() if row["subject"].startswith("stale BTC")]
    assert (code, {row["state"] for row in stale}) == (0, {"note"})
    told = [row["finding"] for row in stale]
    assert any("its file has no provenance; 2026-01-11 to 2026-01-12" in each for each in told), told
    assert any(each.startswith("mart.sweeps: mart.sweeps is missing; 2026-01-11 to 2026-01-12") for each in told), told
    assert {row["remedy"] for row in stale} == {
        "liq backfill --from 2026-01-11T23:00Z --to 2026-01-12T00:00Z --coins BTC"
    }


def test_lost_day_and_dependents_are_stale(one_hour: Trial, tmp_path: Path) -> None:
    trial = one_hour.copied(tmp_path / "copied")
    shutil.rmtree(trial.root / "core/price_bars/coin=BTC/date=2026-11-20")
    _, found = doctor("--warehouse", str(trial.root))
    told = {row["finding"] for row in found.values() if row["subject"].startswith("stale BTC")}
    assert "core.price_bars: core.price_bars is missing; 2026-11-20" in told
    assert "mart.liquidation_levels: price_bars changed; 2026-11-20" in told
    assert not any("realised_liquidations:" in each for each in told)


def test_complete_history_is_ok(one_hour: Trial) -> None:
    _, found = doctor("--warehouse", str(one_hour.root))
    assert found["history BTC"]["state"] == "ok", found
    assert "1 days" in found["history BTC"]["finding"]
