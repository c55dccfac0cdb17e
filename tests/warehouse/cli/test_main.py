"""The command as a process: start-up imports, help, exit codes and `liq simulate`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from warehouse.cli.main import app

LIQ = [sys.executable, "-c", "from warehouse.cli.main import app; app(prog_name='liq')"]
COMMANDS = (
    "run", "listen", "check", "quickstart", "up", "headline", "map", "sql", "tables", "describe", "simulate", "doctor",
)  # fmt: skip


def liq(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LIQ, *arguments], capture_output=True, text=True, timeout=60, check=False)


def help_of(*command: str) -> str:
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="liq", env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code == 0
    return result.output


def test_help_imports_nothing_slow() -> None:
    slow = ("polars", "altair", "duckdb", "airflow", "great_expectations")
    code = f"import sys; import warehouse.cli.main; print([m for m in {slow} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_names_every_command_and_exit_code() -> None:
    text = help_of()
    for name in COMMANDS:
        assert re.search(rf"\b{name}\b", text)
    for meaning in ("0 success", "1 something failed", "2 wrong usage", "3 an exchange was down"):
        assert meaning in " ".join(text.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_flag_has_help_with_an_example(command: str) -> None:
    text = " ".join(help_of(command).split())
    assert f"Example: liq {command}" in text
    for row in re.split(r"(?=--[a-z])", text.split("Options")[1])[1:]:
        flag = row.split()[0]
        assert len(row.split()) > 3 or flag in text.split("Example")[1] or "e.g." in row, row


def test_version_is_printed() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", CliRunner().invoke(app, ["--version"]).stdout)


@contextmanager
def simulated(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [*LIQ, "simulate", "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = ""
        while "LIQ_SOURCE" not in said:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            said += line
        yield process, said
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_simulate_serves_prints_urls_and_stops_cleanly(stop: signal.Signals) -> None:
    with simulated() as (process, said):
        assert "simulated data, no real market" in said
        url = re.findall(r"export LIQ_BYBIT_URL=(\S+)", said)[0]
        assert httpx.get(f"{url}/v5/market/time", trust_env=False).json()["retCode"] == 0
        process.send_signal(stop)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "stopped\n", "")


def test_port_in_use_is_refused() -> None:
    with simulated() as (_, said):
        port = re.findall(r":(\d+)\b", said)[0]
        second = liq("simulate", "--port", port)
    assert second.returncode == 2
    assert re.fullmatch(rf"liq: .*port {port}.*liq simulate --port 8901\n", second.stderr)


def test_simulate_refuses_invalid_options(tmp_path: Path) -> None:
    missing = liq("simulate", "--recorded", str(tmp_path / "nowhere"))
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "nowhere" in missing.stderr
    untimely = liq("simulate", "--now", "noon")
    assert untimely.returncode == 2
    assert "'noon' is not a time" in untimely.stderr


def test_closed_pipe_raises_no_traceback(small_warehouse: Path) -> None:
    ask = f"{sys.executable} -c \"{LIQ[2]}\" sql 'SELECT * FROM range(200000) AS t(n)' --format csv | head -1"
    done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "n\n"
    assert "Traceback" not in done.stderr
