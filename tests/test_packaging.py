"""What a fresh clone is set up from: pins, targets, the command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = (ROOT / "requirements.lock").read_text()
PIN = re.compile(
    r"^(?P<requirement>\S+==.+?) \\\n(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
PINS = [Requirement(pin["requirement"]) for pin in PIN.finditer(LOCK)]


def test_the_lock_is_pins_with_hashes_and_nothing_else() -> None:
    assert len(PINS) > 100
    assert PIN.sub("", LOCK).strip() == ""


def test_the_lock_names_no_registry() -> None:
    assert "://" not in LOCK


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_holds_every_dependency_in_a_version_that_is_asked_for(python: str) -> None:
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    pinned = {canonicalize_name(p.name): p for p in PINS if p.marker is None or p.marker.evaluate(here)}
    extras = [r for group in PROJECT["optional-dependencies"].values() for r in group]
    for wanted in map(Requirement, (*PROJECT["dependencies"], *extras)):
        found = next(iter(pinned[canonicalize_name(wanted.name)].specifier)).version
        assert wanted.specifier.contains(found, prereleases=True), f"{wanted}: the lock has {found}; run make lock"


def test_the_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="liq")
    assert callable(command.load())
    assert version("liquidation-warehouse") == PROJECT["version"]


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == PROJECT["version"]


def test_make_lists_its_targets() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"run", "test", "up", "bi", "bench", "lint", "clean", "lock"} <= set(
        re.findall(r"^  make (\w+)", listed, re.MULTILINE)
    )


def test_make_sets_up_only_when_pins_or_project_changed(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/.installed").touch()
    asked = ["make", "--question", "setup", f"PYTHON={sys.executable}"]
    assert subprocess.run(asked, cwd=tmp_path).returncode == 0
    later = (tmp_path / ".venv/.installed").stat().st_mtime + 10
    os.utime(tmp_path / "requirements.lock", (later, later))
    assert subprocess.run(asked, cwd=tmp_path).returncode == 1


def test_compiled_code_of_another_version_of_the_model_is_never_found(tmp_path: Path) -> None:
    """Whatever changes in it: what numba keeps is found by the file of a function, not by what the function calls."""
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
