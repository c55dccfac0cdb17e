"""The README, held to its word: every command and every query in it runs, on a warehouse that `liq quickstart` made."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # it waits for Airflow, as a newcomer does
ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
LIQ = Path(sys.executable).with_name("liq")
CONSOLE = [line for block in re.findall(r"```console\n(.*?)```", README, re.S) for line in block.splitlines()]
INLINE = re.findall(r"`((?:make|liq)\b[^`]*)`", README)
QUERIES = re.findall(r"```sql\n(.*?)```", README, re.S)


def _run(words: list[str], home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"LIQ_WAREHOUSE": str(home / "data"), "COLUMNS": "200"} | more
    return subprocess.run(words, cwd=home, env=env, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What `make run` leaves behind and prints, for a day of two coins."""
    home = tmp_path_factory.mktemp("newcomer")
    done = _run([str(LIQ), "quickstart", "--days", "1", "--coins", "BTC,ETH"], home)
    assert done.returncode == 0, done.stderr
    return home, done.stdout


def test_quickstart_says_what_it_did(newcomer: tuple[Path, str]) -> None:
    home, said = newcomer
    for promised in (
        "simulated data",
        "BTC stands at",
        "ETH stands at",
        "fetched",
        "checked",
        "published",
        "Three things",
    ):
        assert promised in said
    assert str(home / "data" / "catalog.duckdb") in said
    assert (home / "data" / "pictures" / "BTC.png").is_file()


def test_there_are_commands_and_five_queries() -> None:
    assert len(CONSOLE) >= 8
    assert len(QUERIES) == 5


@pytest.mark.parametrize("command", [c for c in CONSOLE if c.startswith("liq ")])
def test_a_command_runs_as_printed(newcomer: tuple[Path, str], command: str) -> None:
    done = _run([str(LIQ), *shlex.split(command)[1:]], newcomer[0])
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_answers_as_printed(newcomer: tuple[Path, str], query: str) -> None:
    done = _run([str(LIQ), "sql", query, "--format", "csv"], newcomer[0])
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 1, "no rows"


@pytest.mark.parametrize("command", sorted({c for c in [*CONSOLE, *INLINE] if c.startswith("make ")}))
def test_a_make_target_is_one(command: str) -> None:
    words = [w for w in shlex.split(command) if w != "folder" and "RECORDED" not in w]
    done = subprocess.run([words[0], "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", sorted({re.sub(r"\s+", " ", c) for c in INLINE if re.match(r"liq \w", c)}))
def test_an_inline_command_is_one(command: str) -> None:
    words = shlex.split(command)[1:]
    done = subprocess.run([str(LIQ), words[0], "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for flag in (w for w in words if w.startswith("--")):
        assert flag in done.stdout


def test_every_setting_is_in_the_table() -> None:
    from warehouse.settings import Settings

    for name in Settings.model_fields:
        assert f"`LIQ_{name.upper()}`" in README


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
