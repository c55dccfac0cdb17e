"""The analysts' macros: a file each in `sql/macros`, whose head says what it answers and shows a call that runs.

`sql/macros/ops` has the scalar macros that they call: these read a moment or a price, and refuse what cannot be one,
naming it and what to write instead. All are kept to what DuckDB 1.1 knows too: CASE, where DuckDB 2 has a function
`if`; and a macro that calls another names what has a default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import takewhile

from warehouse.catalog.statements import SQL, fill, read, text

FOLDER = SQL / "macros"


@dataclass(frozen=True)
class Macro:
    """One question: how it is called, what its file's head says, and the statement that makes it."""

    name: str
    head: str
    statement: str

    @property
    def body(self) -> str:
        """The statement without the macro's own name."""
        return self.statement.partition(" AS TABLE")[2]

    @property
    def example(self) -> str:
        """The call at the end of the head."""
        return self.head.partition("Example: ")[2]

    @property
    def answers(self) -> str:
        """What it answers, in a sentence."""
        return " ".join(self.head.split("\n\n")[1].split()).split(". ")[0].rstrip(".")


def load() -> dict[str, Macro]:
    """Every macro by name."""
    return {path.stem: _macro(path.stem) for path in sorted(FOLDER.glob("*.sql"))}


def statements() -> list[str]:
    """DuckDB statements that make and describe all macros, renamed ones under their former name too."""
    scalar = {f"ops.{path.stem}": read(f"macros/ops/{path.stem}") for path in sorted((FOLDER / "ops").glob("*.sql"))}
    macros = load()
    known = [macros[name] for name in _callees_first({name: each.body for name, each in macros.items()})]
    former = [read(f"macros/former/{path.stem}") for path in sorted((FOLDER / "former").glob("*.sql"))]
    comments = [fill("catalog/macro_comment", name=m.name, words=text(m.head)) for m in known]
    return [*(scalar[name] for name in _callees_first(scalar)), *(m.statement for m in known), *comments, *former]


def _callees_first(bodies: Mapping[str, str]) -> list[str]:
    """Names of macros in the order to make them: DuckDB looks up what a macro calls."""
    calls = {
        name: {other for other in bodies if other != name and re.search(rf"(?<![\w.]){re.escape(other)}\(", body)}
        for name, body in bodies.items()
    }
    return list(TopologicalSorter(calls).static_order())


def _macro(name: str) -> Macro:
    lines = read(f"macros/{name}").splitlines()
    head = [line[2:].removeprefix(" ") for line in takewhile(lambda line: line.startswith("--"), lines)]
    return Macro(name, "\n".join(head), "\n".join(lines[len(head) :]))
