"""Clients in virtual environments of their own, as readers of the catalog have them; made once, in pytest's cache."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest


def environment(cache: pytest.Cache, *requirements: str) -> Path:
    """Its Python. Skips where the registry does not have them or cannot be reached."""
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
    """What a program prints."""
    done = subprocess.run([python, "-c", code, *words], cwd=home, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
