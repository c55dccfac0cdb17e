"""Processes that end together, including children that ignore TERM, changed their group or lost their parent."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from warehouse.errors import UserError
from warehouse.operations import process_groups as sessions
from warehouse.operations.process_groups import Sessions

# A child in a separate process group that ignores TERM and lost its parent, as an Airflow task may.
STUBBORN = """
import os, signal, sys, time
if os.fork() == 0:
    if os.fork() == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open(sys.argv[1], "w").write(str(os.getpid()))
        time.sleep(60)
    os._exit(0)
os.wait()
time.sleep(60)
"""


def written(path: Path) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.02)
    raise AssertionError(f"{path.name} was not written")


def test_every_descendant_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "STEPS", tuple((number, everyone, 1.0) for number, everyone, _ in sessions.STEPS))
    said: list[str] = []
    with Sessions(said.append) as started:
        command = [sys.executable, "-c", STUBBORN, str(tmp_path / "pid")]
        started.start("parent", command, dict(os.environ), tmp_path / "log")
        orphan = psutil.Process(written(tmp_path / "pid"))
        started.require_alive()
        assert orphan.pid in {p.pid for p in started.members()}
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
    assert said[-1].startswith("Stopped all 2 processes")


def test_process_that_ends_early_is_named_with_its_log(tmp_path: Path) -> None:
    with Sessions(lambda line: None) as started:
        started.start(
            "scheduler", [sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ), tmp_path / "its.log"
        )
        started.leaders["scheduler"].wait(20)
        with pytest.raises(UserError, match=r"scheduler exited with code 3; see .*its\.log"):
            started.require_alive()
