"""Settings from the environment, `.env` or the caller; an error names the setting and a valid value."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from warehouse.errors import UserError
from warehouse.settings import load

NAMES = ("SOURCE", "WAREHOUSE", "COINS", "EXCHANGES", "NOW", "RECORDED", "SEED", "WAIT_S")
URLS = ("BINANCE_URL", "BINANCE_ARCHIVE_URL", "BYBIT_URL", "OKX_URL")
STREAMS = ("BINANCE_STREAM_URL", "BYBIT_STREAM_URL", "OKX_STREAM_URL")


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables of the environment and any `.env`."""
    for name in [n for n in os.environ if n.startswith("LIQ_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_defaults(tmp_path: Path) -> None:
    settings = load()
    assert (settings.source, settings.coins) == ("simulated", ("BTC", "ETH", "SOL"))
    assert settings.exchanges == ("binance", "bybit", "okx")
    assert (settings.root, settings.bar_minutes, settings.now) == (tmp_path / "liquidation-data", 5, None)
    assert load(source="live").root == tmp_path / "liquidation-data" / "live"


def test_the_caller_overrides_the_environment_which_overrides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("LIQ_COINS=sol\nLIQ_SEED=3\nLIQ_EXCHANGES=okx\n")
    monkeypatch.setenv("LIQ_COINS", "eth, btc,eth")
    monkeypatch.setenv("LIQ_SEED", "4")
    settings = load(seed=5, coins=None)
    assert (settings.exchanges, settings.coins, settings.seed) == (("okx",), ("ETH", "BTC"), 5)


def test_exchanges_are_sorted_and_all_replaces_coins() -> None:
    settings = load(exchanges="OKX, binance", coins="btc,ALL")
    assert (settings.exchanges, settings.coins) == (("binance", "okx"), ("all",))


def test_now_is_naive_utc() -> None:
    assert load(now="2026-01-12T01:00+01:00").now == load(now="2026-01-12T00:00").now == datetime(2026, 1, 12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"source": "real"}, "LIQ_SOURCE: .*'simulated', 'recorded' or 'live'"),
        ({"coins": " , "}, "LIQ_COINS: no coin; write e.g. BTC,ETH,SOL or all"),
        ({"exchanges": "okx,ftx"}, "LIQ_EXCHANGES: unknown exchange ftx; there are binance, bybit, okx"),
        ({"exchanges": ","}, r"LIQ_EXCHANGES: unknown exchange \(none\); there are"),
        ({"now": "noon"}, "LIQ_NOW: .*datetime"),
        ({"seed": "x"}, "LIQ_SEED: .*integer"),
        ({"seed": -1}, "LIQ_SEED: .*greater than or equal to 0"),
        ({"okx_url": "okx.com"}, "LIQ_OKX_URL: 'okx.com' is not a base URL; write e.g. http://127.0.0.1:8900"),
        (
            {"okx_stream_url": "https://okx.com"},
            "LIQ_OKX_STREAM_URL: 'https://okx.com' is not a WebSocket URL; write e.g. ws://",
        ),
        ({"source": "recorded"}, "LIQ_SOURCE=recorded needs LIQ_RECORDED"),
        ({"source": "recorded", "recorded": "/nowhere"}, "LIQ_RECORDED: there is no folder /nowhere"),
    ],
)
def test_an_invalid_setting_is_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load(**wrong)
    assert "\n" not in str(caught.value)


def test_all_invalid_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQ_SEED", "x")
    monkeypatch.setenv("LIQ_EXCHANGES", "ftx")
    with pytest.raises(UserError, match=r"LIQ_EXCHANGES: .*; LIQ_SEED: "):
        load()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("LIQ_COIN", r"LIQ_COIN is not a setting; did you mean LIQ_COINS\?"),
        ("liq_excahnges", r"LIQ_EXCAHNGES is not a setting; did you mean LIQ_EXCHANGES\?"),
        ("LIQ_XYZ", "LIQ_XYZ is not a setting; there are LIQ_BINANCE_ARCHIVE_URL, .*, LIQ_WAREHOUSE"),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_unknown_variable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_file: bool, name: str, message: str
) -> None:
    if in_file:
        (tmp_path / ".env").write_text(f"OTHER=1\n{name}=ETH\n")
    else:
        monkeypatch.setenv(name, "ETH")
    with pytest.raises(UserError, match=message):
        load()


def test_every_variable_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = dict.fromkeys(URLS, "http://127.0.0.1:1") | {"SOURCE": "recorded", "COINS": "DOGE", "EXCHANGES": "okx"}
    variables |= {
        "NOW": "2026-01-12T00:00Z",
        "SEED": "9",
        "WAIT_S": "1",
        "WAREHOUSE": str(tmp_path),
        "RECORDED": str(tmp_path),
    }
    variables |= dict.fromkeys(STREAMS, "ws://127.0.0.1:1")
    assert set(variables) == {*NAMES, *URLS, *STREAMS}
    for name, value in variables.items():
        monkeypatch.setenv(f"LIQ_{name}", value)
    settings, plain = load().model_dump(), load.__globals__["Settings"].model_fields
    assert all(settings[name] != field.default for name, field in plain.items())


def test_only_live_data_streams_from_the_exchanges_themselves() -> None:
    assert load().stream_urls() == {}
    assert load(okx_stream_url="ws://127.0.0.1:1/").stream_urls() == {"okx": "ws://127.0.0.1:1"}
    live = load(source="live", bybit_stream_url="wss://example.org").stream_urls()
    assert live["binance"] == "wss://fstream.binance.com"
    assert live["bybit"] == "wss://example.org"


def test_sources_do_not_share_a_folder(tmp_path: Path) -> None:
    roots = [load().root, load(source="live").root, load(source="recorded", recorded=tmp_path).root]
    assert len(set(roots)) == 3
    assert load(warehouse="relative").root == tmp_path / "relative"
    assert load(warehouse="~/there").root == Path("~/there").expanduser()


def test_urls_are_the_settings_else_our_server_else_the_exchanges() -> None:
    official = load(source="live").base_urls()
    assert official["binance"] == "https://fapi.binance.com"
    assert official["okx"] == "https://www.okx.com"
    assert set(load().base_urls("http://127.0.0.1:9").values()) == {"http://127.0.0.1:9"}
    assert load(okx_url="http://127.0.0.1:8", exchanges="okx").urls_given
    mixed = load(okx_url="http://127.0.0.1:8/")
    assert not mixed.urls_given
    assert mixed.base_urls("http://127.0.0.1:9")["okx"] == "http://127.0.0.1:8"


def test_recorded_source_has_hourly_bars(tmp_path: Path) -> None:
    assert load(source="recorded", recorded=tmp_path).bar_minutes == 60


def test_settings_are_immutable() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().seed = 8
