"""Set-up of a fresh clone: pinned requirements, make targets and the `liq` command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from warehouse.cli import main

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = {name: (ROOT / name).read_text() for name in ("requirements.lock", "tests/requirements.lock")}
PIN = re.compile(
    r"^(?P<requirement>\S+==.+?) \\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
PINS = {name: [Requirement(pin["requirement"]) for pin in PIN.finditer(lock)] for name, lock in LOCKS.items()}
EXTRAS = PROJECT["optional-dependencies"]


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_only_pins_with_hashes(lock: str) -> None:
    assert len(PINS[lock]) > 100
    assert PIN.sub("", LOCKS[lock]).strip() == ""


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_registry(lock: str) -> None:
    assert "://" not in LOCKS[lock]


def _pinned(lock: str, python: str) -> dict[str, str]:
    """Return the pinned version of each package for interpreter version `python`."""
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    found = [p for p in PINS[lock] if p.marker is None or p.marker.evaluate(here)]
    return {canonicalize_name(p.name): next(iter(p.specifier)).version for p in found}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_locks_satisfy_every_dependency(python: str) -> None:
    run, tools = _pinned("requirements.lock", python), _pinned("tests/requirements.lock", python)
    needed = [*PROJECT["dependencies"], *(r for name, listed in EXTRAS.items() if name != "dev" for r in listed)]
    for pinned, listed in ((run, needed), (tools, EXTRAS["dev"])):
        for wanted in (w for w in map(Requirement, listed) if w.name != PROJECT["name"]):
            version = pinned[canonicalize_name(wanted.name)]
            assert wanted.specifier.contains(version, prereleases=True), f"{wanted}: {version} is locked; run make lock"
    assert run.items() <= tools.items()


def test_runtime_lock_excludes_test_tools() -> None:
    run = _pinned("requirements.lock", "3.11")
    assert {"hypothesis", "mypy", "pandas-stubs", "pytest", "ruff", "selenium"}.isdisjoint(run)


@pytest.mark.parametrize("extra", ["pipeline", "simulator"])
def test_command_knows_modules_of_extra(extra: str) -> None:
    installed_by = packages_distributions()
    known = {canonicalize_name(installed_by[module][0]) for module in main.EXTRAS[extra]}
    assert known == {canonicalize_name(Requirement(wanted).name) for wanted in EXTRAS[extra]}


def test_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="liq")
    assert callable(command.load())
    assert version("liquidation-warehouse") == PROJECT["version"]


def test_changelog_begins_with_current_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == PROJECT["version"]


def test_make_lists_its_targets() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"run", "test", "up", "bi", "bench", "lint", "clean", "lock"} <= set(
        re.findall(r"^  make (\w+)", listed, re.MULTILINE)
    )


@pytest.mark.parametrize(("target", "changed"), [("setup", "tests/requirements.lock"), ("run", "requirements.lock")])
def test_make_installs_only_after_pins_change(tmp_path: Path, target: str, changed: str) -> None:
    (tmp_path / "tests").mkdir()
    for name in ("Makefile", *LOCKS, "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").mkdir()
    for stamp in (".installed", ".installed-tools"):
        (tmp_path / ".venv" / stamp).touch()

    def steps() -> str:
        asked = ["make", "--dry-run", target, f"PYTHON={sys.executable}"]
        return subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert "pip install" not in steps()
    later = (tmp_path / ".venv/.installed-tools").stat().st_mtime + 10
    os.utime(tmp_path / changed, (later, later))
    assert f"-r {changed}" in steps()


def test_make_run_installs_no_test_tools(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    said = subprocess.run(["make", "--dry-run", "run"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "-r requirements.lock" in said.stdout
    assert "tests/requirements.lock" not in said.stdout


def test_numba_cache_changes_with_the_model(tmp_path: Path) -> None:
    """Numba finds its cache by a function's file and ignores changes in the functions that it calls."""
    model = tmp_path / "transforms" / "model"
    shutil.copytree(ROOT / "transforms" / "model", model, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "warehouse").mkdir()
    shutil.copy(ROOT / "warehouse" / "__init__.py", tmp_path / "warehouse")
    env = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    code = "import os, warehouse; print(os.environ['NUMBA_CACHE_DIR'])"

    def kept() -> str:
        return subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, env=env, text=True)

    first = kept()
    assert kept() == first
    with (model / "activity.py").open("a") as file:
        file.write("# another\n")
    assert kept() != first
