"""House rules that no linter covers, and the proof that each rule and each linter detects a breach."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from expectations.contract import LAYERS, Input, Table
from expectations.tables import load

ROOT = Path(__file__).parents[1]
FOLDERS = {"dags", "expectations", "sql", "tests", "transforms", "warehouse"}
FILES = {
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "pyproject.toml", "requirements.lock",
}  # fmt: skip
MOST_MODULES = 15
BANNED = {"common", "helpers", "misc", "scripts", "utils"}
STATEMENT = re.compile(
    r"\s*(SELECT|WITH|FROM|VALUES|CREATE|ALTER|DROP|INSERT|UPDATE|DELETE|COPY|ATTACH|DETACH|USE|COMMENT ON|SET|PRAGMA"
    r"|LOAD|INSTALL|DESCRIBE|SUMMARIZE|PIVOT|UNPIVOT|EXPLAIN)\s"
)
MAY_HOLD_SQL = {
    "transforms/charts/report/report.py": "a query that the page shows for copying; the report does not run it",
}
UNTRACKED = shutil.ignore_patterns("__pycache__", "liquidation-data", ".*", "*.egg-info", "build")


def top_level(root: Path) -> Iterator[str]:
    """Yield complaints about extra or missing entries of the top level."""
    ignored = UNTRACKED(str(root), [p.name for p in root.iterdir()]) | {"uv.lock"}
    for path in sorted(root.iterdir()):
        if path.name not in ignored and path.name not in (FOLDERS if path.is_dir() else FILES):
            yield f"{path.name} has no place at the top level"
    yield from (f"{name} is missing" for name in sorted(FOLDERS | FILES) if not (root / name).exists())


def banned_names(root: Path) -> Iterator[str]:
    """Yield files and folders with a name that does not state their subject."""
    for path in sorted(p for folder in FOLDERS for p in (root / folder).rglob("*")):
        if path.stem.lower().strip("_") in BANNED:
            yield f"{path.relative_to(root)}: name it after its subject"


def crowded(root: Path) -> Iterator[str]:
    """Yield folders with more than MOST_MODULES modules; folders named `tables` are exempt."""
    for folder in sorted({path.parent for top in FOLDERS for path in (root / top).rglob("*.py")}):
        count = sum(1 for _ in folder.glob("*.py"))
        if folder.name != "tables" and count > MOST_MODULES:
            yield f"{folder.relative_to(root)}: {count} modules; at most {MOST_MODULES} in a folder"


def one_name(root: Path, tables: dict[str, Table]) -> Iterator[str]:
    """Yield tables without a contract, implementation, test case or dictionary entry of the same name."""
    built = {p.stem for p in (*(root / "transforms/tables").glob("*.py"), *(root / "sql").glob("*.sql"))} - {"__init__"}
    cases = {p.parent.parent.name for p in (root / "tests/tables").glob("*/*/expect*") if p.is_file()}
    folders = {p.name for p in (root / "tests/tables").iterdir() if p.is_dir() and p.name != "__pycache__"}
    headings = set(re.findall(r"^## (\S+)$", (root / "warehouse/docs/tables.md").read_text(), re.MULTILINE))
    contracts = {p.stem for p in (root / "expectations/tables").glob("*.py")} - {"__init__"}
    for name in sorted(contracts):
        table = tables[name]
        if (table.built_with or name) not in built:
            yield f"{name}: no transforms/tables/{name}.py or sql/{name}.sql"
        if name not in cases:
            yield f"{name}: no case with an expect file in tests/tables/{name}/"
        if table.full_name not in headings:
            yield f"{name}: no heading '## {table.full_name}' in warehouse/docs/tables.md"
    for kind, names in (("an implementation", built), ("cases", folders)):
        yield from (f"{name}: {kind}, but no contract" for name in sorted(names - contracts))
    yield from (
        f"{name}: a heading, but no contract" for name in sorted(headings - {t.full_name for t in tables.values()})
    )


def doubly_built(root: Path) -> Iterator[str]:
    """Yield tables that are implemented both in polars and in SQL."""
    for path in sorted((root / "sql").glob("*.sql")):
        if (root / "transforms/tables" / f"{path.stem}.py").exists():
            yield f"{path.stem}: one implementation per table, SQL or polars"


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield each string of a module with its line; a `?` replaces the expressions of an f-string."""
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else "?" for part in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.lineno, node.value


def sql_in_python(root: Path) -> Iterator[str]:
    """Yield Python strings that hold SQL; statements belong in sql/queries, which `catalog/statements.py` reads."""
    found: dict[str, list[int]] = {}
    for path in sorted(path for top in FOLDERS - {"tests", "sql"} for path in (root / top).rglob("*.py")):
        lines = [line for line, text in texts(ast.parse(path.read_text())) if STATEMENT.match(text)]
        if lines:
            found[path.relative_to(root).as_posix()] = lines
    yield from (f"{name}:{at[0]}: SQL belongs in sql/queries" for name, at in found.items() if name not in MAY_HOLD_SQL)
    yield from (f"{name} holds no SQL; take it out of MAY_HOLD_SQL" for name in MAY_HOLD_SQL.keys() - found.keys())


def upstream_only(tables: dict[str, Table]) -> Iterator[str]:
    """Yield tables that read against the order raw, core, mart; the `ops` tables are outside that order."""
    for table in tables.values():
        for each in table.inputs:
            if each.table not in tables:
                yield f"{table.name} reads {each.table}, which has no contract"
            elif table.layer != "ops" and LAYERS.index(tables[each.table].layer) > LAYERS.index(table.layer):
                yield f"{table.full_name} reads {tables[each.table].full_name}: data goes raw, core, mart"


def holds(complaints: Iterable[str]) -> None:
    """Fail with every complaint on a line of its own."""
    listed = "\n".join(complaints)
    assert not listed, f"\n{listed}"


def test_top_level_matches_layout() -> None:
    holds(top_level(ROOT))


def test_file_names_state_their_subject() -> None:
    holds(banned_names(ROOT))


def test_folders_have_few_modules() -> None:
    holds(crowded(ROOT))


def test_sql_is_in_sql_files() -> None:
    holds(sql_in_python(ROOT))


def test_each_table_has_one_name() -> None:
    assert len(load()) >= 15
    holds([*one_name(ROOT, load()), *doubly_built(ROOT)])


def test_tables_read_upstream_only() -> None:
    holds(upstream_only(load()))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a copy of the files under the rules, for a test to break."""
    for name in sorted(FOLDERS - {"tests"}):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=UNTRACKED)
    shutil.copytree(ROOT / "tests/tables", tmp_path / "tests/tables", ignore=UNTRACKED)
    for name in (*FILES, "tests/test_architecture.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def refuses(tree: Path, *command: str) -> str:
    """Run `command`, a program of this environment, in `tree`; require a failure and return its output."""
    inside = os.environ | {"PYTHONPATH": str(tree)}
    program = Path(sys.executable).with_name(command[0])
    done = subprocess.run([program, *command[1:]], cwd=tree, env=inside, capture_output=True, text=True)
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


IMPORTS = {
    "expectations/columns/registry.py": ("import transforms", "Imports go one way"),
    "transforms/model/price_grid.py": ("import transforms.exchanges", "The model does not import tables"),
    "transforms/charts/headline.py": ("import time", "Transforms and expectations are pure"),
    "warehouse/clock.py": ("import airflow", "Only dags import airflow"),
    "warehouse/settings.py": ("import great_expectations", "Only expectations.validation.gx imports"),
    "warehouse/storage/store.py": ("import warehouse.pipeline.run", "Layers of the warehouse"),
    "dags/tasks.py": ("import warehouse.cli.main", "DAGs do not import the command line"),
    "warehouse/simulator/market/prices.py": ("import transforms", "The simulated exchanges share no code"),
}


def test_import_linter_refuses_planted_imports(tree: Path) -> None:
    for file, (planted, _) in IMPORTS.items():
        with (tree / file).open("a") as out:
            out.write(f"\n{planted}\n")
    said = refuses(tree, "lint-imports", "--no-cache")
    broken = [line for line in said.splitlines() if " BROKEN" in line]
    for _, contract in IMPORTS.values():
        assert any(line.startswith(contract) for line in broken), said


@pytest.mark.parametrize(
    ("planted", "code"),
    [
        ("import os\n", "F401"),
        ("try:\n    print()\nexcept BaseException:\n    pass\n", "BLE001"),
        ("from datetime import UTC, datetime\n\nprint(datetime.now(UTC))\n", "TID251"),
        ("def hour():\n    return 1\n", "D103"),
    ],
)
def test_ruff_refuses_planted_code(tree: Path, planted: str, code: str) -> None:
    (tree / "transforms/planted.py").write_text(f'"""Planted."""\n\n{planted}')
    assert code in refuses(tree, "ruff", "check", "--no-cache", "transforms/planted.py")


def test_ruff_format_refuses_planted_code(tree: Path) -> None:
    (tree / "transforms/planted.py").write_text("x=1\n")
    assert "would be reformatted" in refuses(tree, "ruff", "format", "--no-cache", "--check", "transforms/planted.py")


def test_mypy_refuses_planted_code(tree: Path) -> None:
    (tree / "planted.py").write_text('def hour(x) -> int:\n    return "1"\n')
    said = refuses(tree, "mypy", "--cache-dir", os.devnull, "planted.py")
    assert "no-untyped-def" in said
    assert "return-value" in said


def test_rules_refuse_planted_files(tree: Path) -> None:
    (tree / "sql/planted.sql").write_text("SELECT 1\n")
    (tree / "transforms/utils.py").write_text("")
    (tree / "notes").mkdir()
    (tree / "warehouse/catalog/planted.py").write_text('NAME = "t"\nASKED = f"SELECT * FROM {NAME}"\n')
    (tree / "warehouse/catalog/planted_too.py").write_text('ASKED = """\n    WITH a AS (SELECT 1)\n    FROM a\n"""\n')
    for number in range(MOST_MODULES):
        (tree / f"warehouse/reports/chart_{number}.py").write_text("")
    shutil.rmtree(tree / "tests/tables/market_balance")
    said = refuses(tree, "pytest", "-q", "-p", "no:cacheprovider", "tests/test_architecture.py", "-k", "not planted")
    for complaint in (
        "planted: an implementation, but no contract",
        "market_balance: no case with an expect file",
        "transforms/utils.py: name it after its subject",
        "notes has no place at the top level",
        "warehouse/catalog/planted.py:2: SQL belongs in sql/queries",
        "warehouse/catalog/planted_too.py:1: SQL belongs in sql/queries",
        "warehouse/reports: 19 modules; at most 15 in a folder",
    ):
        assert complaint in said


def test_reading_downstream_is_detected() -> None:
    tables = dict(load())
    levels = tables["liquidation_levels"]
    turned = replace(tables["open_interest"], inputs=(Input(levels.name),))
    assert "data goes raw, core, mart" in "".join(upstream_only({**tables, turned.name: turned}))
    lost = replace(levels, inputs=(Input("positions"),))
    assert "reads positions, which has no contract" in "".join(upstream_only({**tables, lost.name: lost}))
