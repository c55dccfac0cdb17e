"""The documentation for tests: its pages, their code blocks, and the commands that no test can run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
GENERATED = {ROOT / "warehouse/docs/tables.md", ROOT / "sql/cookbook/README.md"}
"""Generated pages; separate tests compare them with the output of their generator."""
PAGES = sorted(
    {ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "warehouse/docs").glob("*.md"), *GENERATED},
    key=lambda page: page.as_posix(),
)
LANGUAGES = {"console", "python", "sql", "text"}

_MINUTES = "takes minutes; tests/warehouse/pipeline/test_backfill.py fills ranges"
_FILE = "needs a file that somebody recorded; tests/warehouse/pipeline/test_imports.py imports such files"
_SUPERSET = "installs Apache Superset, as `make bi` does for tests/bi/superset"
NOT_RUN = {
    "duckdb -readonly liquidation-data/catalog.duckdb": "the DuckDB shell is not a dependency",
    "liq listen --source live": "asks the real exchanges, and goes on until it is stopped",
    "liq backfill --from 2025-12-01T00:00Z --to 2026-01-12T00:00Z --coins BTC,ETH": _MINUTES,
    "liq import oi.parquet --as open_interest --exchange binance --columns "
    "time=ts_ms,instrument=symbol,open_interest=oi --unit base --sides 1 --source kaiko": _FILE,
    "liq import bars.csv --as price_bars --prices mark --exchange okx --instrument BTC-USDT-SWAP "
    "--contract-size 0.01": _FILE,
    "liq import events.csv --as realised_liquidations --exchange bybit --instrument BTCUSDT --unit base "
    "--complete": _FILE,
    ".venv/bin/python -m expectations.dictionary > warehouse/docs/tables.md": "tests/expectations/test_dictionary.py "
    "compares the page with what it prints",
    ".venv/bin/python -m tests.sql.cookbook > sql/cookbook/README.md": "tests/sql/test_macros.py compares the page "
    "with what it prints",
    "python3 -m venv ~/superset && cd ~/superset": _SUPERSET,
    "bin/pip install apache-superset duckdb duckdb-engine rich cachetools 'flask-caching<2.4'": _SUPERSET,
    'export FLASK_APP=superset SUPERSET_SECRET_KEY="$(openssl rand -base64 42)"': _SUPERSET,
    "bin/superset db upgrade && bin/superset fab create-admin && bin/superset init": _SUPERSET,
    "bin/superset run --host 127.0.0.1 --port 8088": _SUPERSET,
}
"""Documented commands that the tests do not run, and why. A test fails when one is no longer documented."""

PROGRAMS = {
    "create_engine": "tests/bi/test_sqlalchemy.py",
    "dbapi": "tests/bi/test_adbc.py",
    "pl.scan_parquet": "tests/bi/test_files.py",
    "pd.read_parquet": "tests/bi/test_files.py",
    "duckdb.connect": "tests/sql/test_macros.py",
    "open_warehouse": "tests/warehouse/api/test_liquidation_warehouse.py",
}
"""A word that identifies each documented Python program, and the test that runs the program."""


@dataclass(frozen=True)
class Block:
    """A fenced code block of a page."""

    page: Path
    language: str
    code: str


def blocks(language: str | None = None) -> list[Block]:
    """Return the fenced blocks of the documentation, of all languages or of one."""
    found = [
        Block(page, *match.groups())
        for page in PAGES
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    ]
    return [block for block in found if language in (None, block.language)]


def commands() -> list[str]:
    """Return every distinct command of the `console` blocks."""
    lines = (line for block in blocks("console") for line in block.code.splitlines())
    return list(dict.fromkeys(lines))


def inline_commands() -> list[str]:
    """Return every distinct `make …`, `liq …` and pytest command within a sentence or a table."""
    text = "\n".join(re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL) for page in PAGES)
    spans = re.findall(r"`((?:make|liq|\.venv/bin/python -m pytest)\b[^`]*)`", text)
    return list(dict.fromkeys(re.sub(r"\s+", " ", span) for span in spans))


def program(word: str) -> str:
    """Return the only Python program of the documentation that contains `word`."""
    (found,) = (block.code for block in blocks("python") if word in block.code)
    return found
