"""Language of docstrings: patterns that make a sentence hard to read are counted and limited."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("dags", "expectations", "transforms", "warehouse")
HEADLESS = re.compile(
    r"\b(what|whatever|whose|whoever|whomever|of which|by which|that is none|that are none|those that|told|foretold"
    r"|stands|stood|seated|given up)\b",
    re.IGNORECASE,
)
MOST_PER_100_WORDS = 0.2
NO_BEGINNING = {"Of", "That", "Those", "What", "Whether", "Whoever", "Whose"}


def docstrings(root: Path) -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    text = ast.get_docstring(node)
                    if text:
                        yield path.relative_to(root), text


def test_headless_clauses_are_rare() -> None:
    texts = list(docstrings(ROOT))
    words = sum(len(re.findall(r"[A-Za-z']+", text)) for _, text in texts)
    found = Counter(path.as_posix() for path, text in texts for _ in HEADLESS.findall(text))
    assert words > 20_000
    assert 100 * found.total() / words < MOST_PER_100_WORDS, found.most_common(10)


def test_docstrings_begin_with_verb_or_noun() -> None:
    assert [(path.as_posix(), text[:60]) for path, text in docstrings(ROOT) if text.split()[0] in NO_BEGINNING] == []


def test_pattern_finds_headless_clauses() -> None:
    assert len(HEADLESS.findall("What all that is made of, and whose; of which nothing is told.")) == 4
    assert not HEADLESS.findall("Return the hours of a range, in ascending order.")
