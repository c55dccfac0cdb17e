"""Tests of the documentation: its commands and queries run on a warehouse that `liq quickstart` builds."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests import docs
from tests.docs import GENERATED, LANGUAGES, NOT_RUN, PAGES, PROGRAMS, ROOT
from warehouse.catalog import macros

LIQ = Path(sys.executable).with_name("liq")
README = ROOT / "README.md"
ANALYST = ROOT / "warehouse/docs/analyst.md"
OPERATE = ROOT / "warehouse/docs/operate.md"
RUN = [command for command in docs.commands() if command not in NOT_RUN]
QUESTIONS = sorted((ROOT / "sql/cookbook").glob("*.sql"))
INLINE = docs.inline_commands()


def _words(command: str) -> list[str]:
    """Split a command into words, without leading variable assignments."""
    words = shlex.split(command)
    while "=" in words[0]:
        words = words[1:]
    return words


def _of(program: str, commands: list[str]) -> list[str]:
    return [command for command in commands if _words(command)[0] == program]


@cache
def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _run(words: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"LIQ_WAREHOUSE": str(home / "liquidation-data"), "COLUMNS": "200"}
    return subprocess.run(words, cwd=home, env=env, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the quickstart for a day of two coins; return its folder and its output."""
    home = tmp_path_factory.mktemp("newcomer")
    done = _run([str(LIQ), "quickstart", "--days", "1", "--coins", "BTC,ETH"], home)
    assert done.returncode == 0, done.stderr
    (home / "sql").symlink_to(ROOT / "sql")
    return home, done.stdout


class TestPages:
    def test_readme_is_short(self) -> None:
        assert len(README.read_text().splitlines()) <= 150

    def test_readme_has_two_make_commands_and_five_queries(self) -> None:
        of_readme = [block for block in docs.blocks() if block.page == README]
        assert [b.code for b in of_readme if b.language == "console"][:2] == ["make run\n", "make test\n"]
        assert sum(block.language == "sql" for block in of_readme) == 5

    def test_code_blocks_are_of_tested_languages(self) -> None:
        assert {block.language for block in docs.blocks()} <= LANGUAGES

    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
    def test_links_resolve(self, page: Path) -> None:
        for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
            name, _, anchor = target.partition("#")
            file = page.parent / name if name else page
            assert file.exists(), target
            assert not anchor or anchor in _anchors(file), target

    def test_readme_links_every_page(self) -> None:
        linked = {(README.parent / target).resolve() for target in re.findall(r"\]\(([^)#]+)", README.read_text())}
        assert {page for page in PAGES if page not in GENERATED and page != README} <= linked
        assert ROOT / "warehouse/docs/tables.md" in linked

    def test_settings_table_is_complete(self) -> None:
        from warehouse.settings import Settings

        for name in Settings.model_fields:
            assert f"`LIQ_{name.upper()}`" in OPERATE.read_text()

    @pytest.mark.parametrize("macro", macros.load().values(), ids=lambda macro: macro.name)
    def test_macro_table_lists_macro_with_its_arguments(self, macro: macros.Macro) -> None:
        call = re.sub(r" :=[^,)]*", "", macro.head.splitlines()[0]).replace('"', "")
        assert f"| `{call}` |" in ANALYST.read_text()


class TestProgramsAndExceptions:
    def test_commands_not_run_are_documented(self) -> None:
        assert not set(NOT_RUN) - set(docs.commands())

    def test_other_commands_are_liq_make_or_pytest(self) -> None:
        assert {_words(command)[0] for command in RUN} == {"liq", "make", ".venv/bin/python"}
        assert all(command.startswith(".venv/bin/python -m pytest ") for command in _of(".venv/bin/python", RUN))

    def test_each_program_is_run_by_its_named_test(self) -> None:
        programs = docs.blocks("python")
        assert len(programs) == len(PROGRAMS)
        for word, test in PROGRAMS.items():
            assert docs.program(word) in [block.code for block in programs]
            assert f'"{word}"' in (ROOT / test).read_text(), f"{test} does not run the program with {word}"
            assert "program(" in (ROOT / test).read_text()


@pytest.mark.parametrize("command", sorted({*_of("make", RUN), *_of("make", INLINE)}))
def test_make_target_exists(command: str) -> None:
    words = [w for w in _words(command) if w != "folder" and "RECORDED" not in w]
    done = subprocess.run([words[0], "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow  # each starts its own pytest
@pytest.mark.parametrize("command", [c for c in [*RUN, *INLINE] if c.startswith(".venv/bin/python -m pytest ")])
def test_pytest_command_collects_tests(command: str) -> None:
    done = subprocess.run([sys.executable, *shlex.split(command)[1:], "--collect-only"], cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stdout.decode()


@cache
def _help(command: str) -> str:
    done = subprocess.run([str(LIQ), command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow  # each starts the command
@pytest.mark.parametrize("command", sorted({*_of("liq", docs.commands()), *_of("liq", INLINE)}))
def test_command_and_its_options_exist(command: str) -> None:
    words = _words(command)[1:]
    for flag in (w for w in words if w.startswith("--")):
        assert flag in _help(words[0])


@pytest.mark.slow  # it waits for Airflow
class TestAfterQuickstart:
    def test_quickstart_reports_its_steps(self, newcomer: tuple[Path, str]) -> None:
        home, said = newcomer
        for promised in ("simulated data", "BTC stands at", "ETH stands at", "fetched", "checked", "published",
                         "Three things"):  # fmt: skip
            assert promised in said
        assert str(home / "liquidation-data" / "catalog.duckdb") in said
        assert (home / "liquidation-data" / "pictures" / "BTC.png").is_file()

    @pytest.mark.parametrize("command", _of("liq", RUN))
    def test_documented_command_runs(self, newcomer: tuple[Path, str], command: str) -> None:
        done = _run([str(LIQ), *_words(command)[1:]], newcomer[0])
        assert done.returncode == 0, done.stderr
        assert done.stdout

    @pytest.mark.parametrize("query", [block.code for block in docs.blocks("sql")])
    def test_documented_query_returns_rows(self, newcomer: tuple[Path, str], query: str) -> None:
        done = _run([str(LIQ), "sql", query, "--format", "csv"], newcomer[0])
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) > 1, "no rows"

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
    def test_cookbook_query_returns_rows(self, newcomer: tuple[Path, str], question: Path) -> None:
        done = _run([str(LIQ), "sql", str(question), "--format", "csv"], newcomer[0])
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) > 1, "no rows"
