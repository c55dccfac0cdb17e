"""Groups of processes that start and stop together, including all their descendants."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from warehouse.errors import UserError

# (signal, send to all processes or only to the leaders, seconds to wait): TERM to leaders, TERM to all, KILL to all.
STEPS = ((signal.SIGTERM, False, 15.0), (signal.SIGTERM, True, 5.0), (signal.SIGKILL, True, 5.0))


class Sessions:
    """A set of sessions (as of setsid), one for each process started here.

    Airflow's tasks create their own process groups, and orphans lose their parent, but all stay in their session.
    `leaders` are the processes started here, by name.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self.leaders: dict[str, subprocess.Popen[bytes]] = {}
        self._logs: dict[str, Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def start(self, name: str, command: list[str], env: dict[str, str], log: Path) -> None:
        """Start `command` in a new session, with its output in `log`."""
        with log.open("w") as out:
            self.leaders[name] = subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        self._logs[name] = log

    def require_alive(self) -> None:
        """Raise UserError naming the first leader that has exited."""
        for name, leader in self.leaders.items():
            if leader.poll() is not None:
                raise UserError(f"{name} exited with code {leader.returncode}; see {self._logs[name]}")

    def members(self) -> list[psutil.Process]:
        """Return every live process of these sessions."""
        ids = {leader.pid for leader in self.leaders.values()}
        return [p for p in psutil.process_iter() if _session_of(p) in ids and _alive(p)]

    def end(self) -> None:
        """Stop every process, by SIGKILL if needed, and report it. Raises UserError if one survives."""
        began, count = time.monotonic(), len(self.members())
        for number, everyone, seconds in STEPS:
            self._signal(number, everyone)
            if self._wait_until_stopped(seconds):
                self._report(f"Stopped all {count} processes in {time.monotonic() - began:.0f} s")
                return
        raise UserError(f"still running: {', '.join(str(p.pid) for p in self.members())}; stop them with kill -9")

    def _signal(self, number: signal.Signals, everyone: bool) -> None:
        leaders = {leader.pid for leader in self.leaders.values()}
        for process in self.members():
            if everyone or process.pid in leaders:
                try:
                    process.send_signal(number)
                except psutil.NoSuchProcess:
                    continue

    def _wait_until_stopped(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for leader in self.leaders.values():
                leader.poll()
            if not self.members():
                return True
            time.sleep(0.1)
        return False


def _session_of(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except (ProcessLookupError, PermissionError):
        return None


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
