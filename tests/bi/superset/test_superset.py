"""Apache Superset on the catalog; only `make bi` installs it, which takes minutes."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.tables import table
from tests.bi.environment import environment
from tests.docs import ROOT

ANALYST = Path(__file__).with_name("analyst.py")
BESIDE = ("apache-superset==6.1.*", "duckdb>=2,<3", "duckdb-engine", "rich", "cachetools", "flask-caching<2.4")
SETTINGS = """
import os

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.path.join(os.environ["SUPERSET_HOME"], "superset.db")
WTF_CSRF_ENABLED = False  # its pages are not used, only its API
"""


@pytest.fixture(scope="module")
def told(pytestconfig: pytest.Config, home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the analyst's program and return its results."""
    python = environment(pytestconfig.cache, *BESIDE)
    place = tmp_path_factory.mktemp("superset")
    (place / "superset_config.py").write_text(SETTINGS)
    env = os.environ | {"SUPERSET_HOME": str(place), "SUPERSET_CONFIG_PATH": str(place / "superset_config.py")}
    env |= {"SUPERSET_SECRET_KEY": secrets.token_urlsafe(32), "SUPERSET_PASSWORD": secrets.token_urlsafe(16)}
    catalog = str(home / "liquidation-data" / "catalog.duckdb")
    for words in ([python.with_name("superset"), "db", "upgrade"], [python, ANALYST, catalog]):
        done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_documentation_installs_the_same_packages() -> None:
    page = (ROOT / "warehouse/docs/bi.md").read_text()
    for package in BESIDE:
        assert package.split("=")[0].split(">")[0] in page


def test_schemas_are_listed(told: dict[str, Any]) -> None:
    assert any(schema.endswith("mart") for schema in told["schemas"])


def test_dataset_has_columns_types_and_descriptions(told: dict[str, Any]) -> None:
    contract, found = table("market_balance"), told["columns"]
    assert list(found) == [c.name for c in contract.columns]
    assert all(found[c.name]["description"].startswith(c.doc) for c in contract.columns)
    assert [name for name, column in found.items() if column["is_dttm"]] == ["date", "hour_utc"]
    assert found["long_usd"]["type"] == "FLOAT"


def test_chart_data_equal_duckdb(told: dict[str, Any], ask: duckdb.DuckDBPyConnection) -> None:
    longs = "SELECT distance_bp, max(long_usd) FROM mart.market_balance WHERE coin = 'BTC' GROUP BY ALL"
    assert sorted((row["distance_bp"], row["longs"]) for row in told["chart"]) == sorted(ask.sql(longs).fetchall())


def test_macro_works_as_dataset(told: dict[str, Any], ask: duckdb.DuckDBPyConnection) -> None:
    clusters = ask.sql("SELECT side, price_low, notional_usd FROM clusters_near('BTC', 0.25)").fetchall()
    assert clusters
    assert sorted(tuple(row.values()) for row in told["macro"]) == sorted(clusters)
