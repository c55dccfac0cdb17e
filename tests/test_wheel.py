"""The installed package: from a wheel, in its own environment, outside the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.dags.test_loading import LOAD
from tests.warehouse.conftest import fill
from warehouse.catalog import build as catalog
from warehouse.storage.store import open_store

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
SHIPPED = ("dags", "expectations", "sql", "transforms", "warehouse")
API = """
import liquidation_warehouse as lw
with lw.open_warehouse() as warehouse:
    frames = (
        warehouse.at_risk("BTC", warehouse.sql("SELECT max(mark_price) * 0.99 FROM mart.market_balance").item()),
        warehouse.liquidation_map("BTC"),
        warehouse.headline("BTC"),
    )
print([frame.height > 0 for frame in frames])
"""
NEEDS = {
    "run": "pipeline",
    "check": "pipeline",
    "doctor": "pipeline",
    "sensitivity BTC --out x.png": "pipeline",
    "calibrate": "pipeline",
    "listen": "pipeline",
    "simulate": "simulator",
    "up": "airflow",
    "quickstart": "airflow",
}
"""The first missing extra that each command line reports."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from a copy of the working tree, because leftovers of an earlier build would enter the wheel."""
    source, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for folder in SHIPPED:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copyfile(ROOT / name, source / name)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    subprocess.run([*build, made, source], check=True)
    (found,) = made.glob("*.whl")
    return found


class Environment:
    """A virtual environment with the wheel and some extras, and a working directory for its commands."""

    def __init__(self, home: Path, wheel: Path, *extras: str) -> None:
        self.bin, self.work = home / "venv/bin", home / "work"
        self.work.mkdir()
        uv = [sys.executable, "-m", "uv"]
        pinned = ["--quiet", "--constraint", ROOT / "requirements.lock", f"{wheel}[{','.join(extras)}]"]
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, home / "venv"], check=True)
        subprocess.run([*uv, "pip", "install", "--python", self.bin / "python", *pinned], check=True)

    def run(self, program: str, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment without the caller's settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("LIQ_", "AIRFLOW", "PYTHON"))}
        command = [self.bin / program, *arguments]
        return subprocess.run(command, cwd=self.work, env=kept | variables, capture_output=True, text=True)

    def output(self, program: str, *arguments: str | Path, **variables: str) -> str:
        """Run a program, require success, and return its output."""
        done = self.run(program, *arguments, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self) -> set[str]:
        """Return the installed files, without the caches of Python and numba."""
        (site,) = self.bin.parent.glob("lib/python*/site-packages")
        return {str(p.relative_to(site)) for p in site.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment without extras, with a warehouse that was filled outside it."""
    made = Environment(tmp_path_factory.mktemp("core"), wheel)
    root = made.work / "liquidation-data"
    fill(open_store(root, "simulated", create=True))
    catalog.build(root)
    return made


@pytest.fixture(scope="module")
def full(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment with the extras that fill and schedule a warehouse."""
    return Environment(tmp_path_factory.mktemp("full"), wheel, "airflow", "simulator")


def test_wheel_holds_every_package_file_and_no_other_package(wheel: Path) -> None:
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = (path for folder in SHIPPED for path in (ROOT / folder).rglob("*") if path.is_file())
    there = (path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts)
    assert held == {name.removeprefix("warehouse/api/") for name in there}
    assert {name.split("/")[0] for name in held} == {*SHIPPED, "liquidation_warehouse"}


def test_core_install_queries_draws_and_exports(core: Environment) -> None:
    assert core.run("python", "-c", "import airflow").returncode == 1
    assert "liquidation clusters" in core.output("liq", "--help")
    rows = core.output(
        "liq", "sql", "SELECT coin, count(*) FROM mart.liquidation_levels GROUP BY coin", "--format", "csv"
    )
    assert rows.splitlines()[1].startswith("BTC,")
    assert "BTC stands at" in core.output("liq", "headline", "BTC")
    for command in ("map BTC", "report BTC", "export liquidation_clusters"):
        out = f"made.{'csv' if 'export' in command else 'html'}"
        core.output("liq", *command.split(), "--out", out)
        assert (core.work / out).stat().st_size > 100
    core.output("liq", "map", "BTC", "--out", "made.png")
    assert "[True, True, True]" in core.output("python", "-c", API)


@pytest.mark.parametrize("command", NEEDS)
def test_command_names_missing_extra(core: Environment, command: str) -> None:
    name, extra = command.split(maxsplit=1)[0], NEEDS[command]
    done = core.run("liq", *command.split())
    told = f'liq: liq {name} needs the extra [{extra}]: pip install "liquidation-warehouse[{extra}]"\n'
    assert (done.returncode, done.stderr) == (2, told)


def test_installed_package_writes_only_to_current_directory(full: Environment) -> None:
    before = full.files()
    full.output("liq", "run", "--hours", "1", "--coins", "BTC")
    assert {p.name for p in full.work.iterdir()} == {"liquidation-data"}
    assert "BTC" in full.output("liq", "sql", "SELECT DISTINCT coin FROM mart.liquidation_levels", "--format", "csv")
    assert "[True, True, True]" in full.output("python", "-c", API)
    assert full.files() == before


def test_separate_airflow_loads_the_dags(full: Environment, tmp_path: Path) -> None:
    folder = full.output("python", "-c", "import dags; print(dags.__path__[0])").strip()
    bundles = [
        {
            "name": "liquidations",
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": folder},
        }
    ]
    variables = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
    }
    loaded = json.loads(full.output("python", "-c", LOAD, folder, **variables).splitlines()[-1])
    assert loaded["errors"] == {}
    assert "liquidation_hourly" in loaded["dags"]
    full.output("airflow", "db", "migrate", **variables)
    full.output("airflow", "dags", "reserialize", **variables)
    listed = json.loads(full.output("airflow", "dags", "list", "--output", "json", **variables).splitlines()[-1])
    assert {dag["dag_id"] for dag in listed} == loaded["dags"].keys()
    assert {dag["bundle_name"] for dag in listed} == {"liquidations"}
