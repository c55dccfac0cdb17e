"""Virtual environments with clients of the catalog, created once in pytest's cache."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest


def environment(cache: pytest.Cache, *requirements: str) -> Path:
    """Return the Python of an environment with the requirements; skip the test if they cannot be installed."""
    home = cache.mkdir(re.sub(r"[^\w.]+", "-", " ".join(requirements)))
    python, installed = home / "bin" / "python", home / "installed"
    if not installed.exists():
        venv.create(home, clear=True)
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--retries", "1"]
        done = subprocess.run([*pip, "install", "--quiet", *requirements], capture_output=True, text=True)
        if "No matching distribution found" in done.stderr:
            pytest.skip(f"the registry cannot be reached, or does not have them: {', '.join(requirements)}")
        assert done.returncode == 0, done.stderr
        installed.touch()
    return python


def run(python: Path | str, code: str, home: Path, *words: str) -> str:
    """Run a program and return its output."""
    done = subprocess.run([python, "-c", code, *words], cwd=home, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
