"""A local Airflow: scheduler and UI on loopback for `liq up`, or one run of the hourly DAG without them.

Airflow runs as a subprocess and is never imported: importing it takes seconds, and only the DAGs may depend on it.
"""

from __future__ import annotations

import importlib.metadata
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from warehouse.errors import UserError
from warehouse.ingest.addresses import pointed
from warehouse.ingest.exchanges import serving
from warehouse.operations.process_groups import Sessions
from warehouse.settings import DATA, Settings

PROJECT = Path(__file__).parents[2]
HOME = DATA / "airflow"
HOST = "127.0.0.1"
# In the order of their start: until the API server answers, the first tries of tasks fail.
COMPONENTS = {
    "api-server": ["api-server"],
    # Logs are read from disk. The scheduler would otherwise serve them on another port of every interface.
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
}
HEALTHY_WITHIN_S = 240.0
_MODULE = ("-P", "-m")
"""Run a module by its installed name: without -P, a folder `dags` in the working directory would shadow ours."""

Report = Callable[[str], None]


def airflow_env(home: Path, port: int = 8080) -> dict[str, str]:
    """Return Airflow's environment variables: all files in `home`, all ports on loopback."""
    home = home.absolute()
    loopback = ",".join(filter(None, [os.environ.get("NO_PROXY"), HOST, "localhost"]))
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": f"http://{HOST}:{port}",
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{port}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        # several processes write one SQLite file; its default timeout of 5 s is too short on a busy machine
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "GX_ANALYTICS_ENABLED": "false",
        "NO_PROXY": loopback,
        "no_proxy": loopback,
    }


def settings_env(settings: Settings) -> dict[str, str]:
    """Return `settings` as environment variables, with an absolute warehouse path for tasks that run elsewhere."""
    values = settings.model_dump(mode="json", exclude_none=True) | {"warehouse": str(settings.root)}
    if settings.now:
        values["now"] = f"{settings.now.isoformat()}Z"
    return {f"LIQ_{k.upper()}": ",".join(v) if isinstance(v, list) else str(v) for k, v in values.items()}


def migrate(home: Path = HOME / "once", report: Report = print) -> None:
    """Create or update the metadata database in `home`; do nothing if this version of Airflow has done so already."""
    version, stamp = importlib.metadata.version("apache-airflow-core"), home / ".migrated"
    if stamp.exists() and stamp.read_text() == version:
        return
    report("Airflow: making its metadata database, once")
    home.mkdir(parents=True, exist_ok=True)
    log = home / "migrate.log"
    with log.open("w") as out:
        command = [sys.executable, *_MODULE, "airflow", "db", "migrate"]
        env = os.environ | airflow_env(home)
        if subprocess.run(command, env=env, stdout=out, stderr=out, check=False).returncode:
            raise UserError(f"Airflow could not prepare its metadata database; see {log}")
    stamp.write_text(version)


def run_dag_in_process(
    hour: datetime, *, env: dict[str, str] | None = None, home: Path = HOME / "once", report: Report = print
) -> None:
    """Run `liquidation_hourly` for `hour` (naive UTC), reporting one line per task. Raises UserError if it fails."""
    migrate(home, report)
    log = home / "run_once.log"
    command = [sys.executable, *_MODULE, "dags.run_once", hour.replace(tzinfo=UTC).isoformat()]
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, env=os.environ | airflow_env(home) | (env or {}), stdout=subprocess.PIPE, stderr=errors, text=True
        )
        with process:
            for line in process.stdout or ():
                report(line.rstrip())
    if process.returncode:
        raise UserError(f"the run for {hour:%Y-%m-%d %H:%M} UTC failed; Airflow's log is {log}")


def up(settings: Settings, port: int = 8080, *, home: Path = HOME / "up", report: Report = print) -> None:
    """Run Airflow, scheduling hourly, until Ctrl-C or TERM; then stop all its processes."""
    _require_free(port)
    with ExitStack() as stack:
        stopped = stack.enter_context(_stop_signals())
        served = stack.enter_context(serving(settings))
        report(f"Exchanges: {settings.source}{f', at {served.url}' if served.url else ''}")
        migrate(home, report)
        env = os.environ | airflow_env(home, port) | _shared_secrets() | settings_env(pointed(settings, served))
        sessions = stack.enter_context(Sessions(report))
        report(f"Airflow: starting {', '.join(COMPONENTS)}; logs are in {home}")
        for name, arguments in COMPONENTS.items():
            sessions.start(name, [sys.executable, *_MODULE, "airflow", *arguments], env, home / f"{name}.log")
            if name == "api-server":
                _wait_until_healthy(port, sessions, stopped, report)
        if _wait_until_healthy(port, sessions, stopped, report):
            report(f"Airflow: http://{HOST}:{port} (no password: every user of this machine is an administrator)")
            report("Airflow: liquidation_hourly runs at three minutes past every hour; stop everything with Ctrl-C")
        while not stopped.wait(1.0):
            sessions.require_alive()


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UserError(
                f"port {port} of {HOST} is in use; stop the process that uses it, or choose another: make up PORT=8081"
            ) from error


@contextmanager
def _stop_signals() -> Iterator[threading.Event]:
    """Yield an event that INT, TERM and HUP set, so that no start or stop is interrupted halfway."""
    stopped = threading.Event()
    before = {s: signal.signal(s, lambda *_: stopped.set()) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _shared_secrets() -> dict[str, str]:
    """Return signing keys for all components; each would otherwise generate its own and reject the others."""
    return {name: secrets.token_hex(32) for name in ("AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET")}


def _wait_until_healthy(port: int, sessions: Sessions, stopped: threading.Event, report: Report) -> bool:
    """Return whether all started components became healthy; False if stopped before.

    Raises UserError if a component exited or HEALTHY_WITHIN_S passed.
    """
    began, reported = time.monotonic(), 0.0
    while not stopped.wait(0.5):
        sessions.require_alive()
        waiting = [name for name in _unhealthy(port) if name in sessions.leaders]
        if not waiting:
            return True
        elapsed = time.monotonic() - began
        if elapsed > HEALTHY_WITHIN_S:
            raise UserError(f"Airflow did not start within {HEALTHY_WITHIN_S:.0f} s: not healthy: {', '.join(waiting)}")
        if elapsed - reported >= 5:
            reported = elapsed
            report(f"Airflow: {elapsed:.0f} s, waiting for {', '.join(waiting)}")
    return False


def _unhealthy(port: int) -> list[str]:
    try:
        answer = httpx.get(f"http://{HOST}:{port}/api/v2/monitor/health", timeout=5.0, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError:
        return ["api-server"]
    parts = answer.json()
    return [
        n
        for n, part in (("scheduler", "scheduler"), ("dag-processor", "dag_processor"))
        if parts[part]["status"] != "healthy"
    ]
