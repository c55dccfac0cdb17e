"""The local Airflow: its environment, its migration, and refusals before it starts."""

from __future__ import annotations

import socket
from datetime import datetime
from pathlib import Path

import pytest

from warehouse import settings
from warehouse.errors import UserError
from warehouse.operations import airflow_local as scheduler


def test_airflow_uses_loopback_and_its_own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "internal.example")
    env = scheduler.airflow_env(tmp_path, 9090)
    assert env["AIRFLOW_HOME"] == str(tmp_path)
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:9090/execution/"
    assert env["NO_PROXY"] == "internal.example,127.0.0.1,localhost"
    assert Path(env["AIRFLOW__CORE__DAGS_FOLDER"], "liquidation_hourly.py").is_file()


def test_settings_round_trip_through_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = settings.load(
        warehouse=tmp_path,
        coins="BTC,ETH",
        exchanges="okx,binance",
        now="2026-01-12T00:30Z",
        okx_url="http://127.0.0.1:1",
    )
    for name, value in scheduler.settings_env(asked).items():
        monkeypatch.setenv(name, value)
    assert settings.load() == asked
    assert asked.now == datetime(2026, 1, 12, 0, 30)


def test_tasks_use_the_absolute_warehouse_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LIQ_WAREHOUSE", raising=False)
    assert scheduler.settings_env(settings.load())["LIQ_WAREHOUSE"] == str(tmp_path / "liquidation-data")
    env = scheduler.airflow_env(scheduler.HOME / "up")
    assert env["AIRFLOW_HOME"] == str(tmp_path / "liquidation-data/airflow/up")
    assert str(tmp_path / "liquidation-data/airflow/up/airflow.db") in env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]


def test_port_in_use_is_refused_before_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} of 127.0.0.1 is in use"):
            scheduler.up(settings.load(), port, home=home)
    assert not home.exists()


def test_database_is_migrated_once_per_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    class Done:
        returncode = 0

    def run(command: list[str], **_: object) -> Done:
        commands.append(command)
        return Done()

    monkeypatch.setattr(scheduler.subprocess, "run", run)
    scheduler.migrate(tmp_path / "home", lambda line: None)
    scheduler.migrate(tmp_path / "home", lambda line: None)
    assert [command[3:] for command in commands] == [["airflow", "db", "migrate"]]


def test_failed_migration_names_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler.sys, "executable", "/bin/false")
    with pytest.raises(UserError, match=r"migrate\.log"):
        scheduler.migrate(tmp_path / "home", lambda line: None)
    assert not (tmp_path / "home/.migrated").exists()
