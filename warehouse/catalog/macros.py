"""The analysts' macros: one file each in `sql/macros`, with a header comment that has the question and an example.

`sql/macros/ops` has the macros that they call. Most parse a moment or a price, and raise an error that names an invalid
value and the right form. All macros also run on DuckDB 1.1: they use CASE instead of DuckDB 2's function
`if`, and a macro that calls another passes arguments with a default by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from itertools import takewhile

from warehouse.catalog.statements import SQL, fill, read, text

FOLDER = SQL / "macros"


@dataclass(frozen=True)
class Macro:
    """A macro: its name, the header comment of its file, and the statement that creates it."""

    name: str
    head: str
    statement: str

    @property
    def body(self) -> str:
        """The statement without the macro's name."""
        return self.statement.partition(" AS TABLE")[2]

    @property
    def example(self) -> str:
        """The example call at the end of the header."""
        return self.head.partition("Example: ")[2]

    @property
    def question(self) -> str:
        """The question that the macro answers, in one sentence."""
        return " ".join(self.head.split("\n\n")[1].split()).split(". ")[0].rstrip(".")


def load() -> dict[str, Macro]:
    """Return every macro by name."""
    return {path.stem: _macro(path.stem) for path in sorted(FOLDER.glob("*.sql"))}


def statements() -> list[str]:
    """Return the statements that create and comment all macros, including renamed macros under their former names."""
    internal, macros = _internal(), load()
    names = _callees_first(internal | {name: each.body for name, each in macros.items()})
    former = [read(f"macros/former/{path.stem}") for path in sorted((FOLDER / "former").glob("*.sql"))]
    comments = [fill("catalog/macro_comment", name=m.name, words=text(m.head)) for m in macros.values()]
    return [*(internal.get(name) or macros[name].statement for name in names), *comments, *former]


def scalar_statements(caller: str) -> list[str]:
    """Return the statements that create the scalar macros that a statement calls, directly or through others."""
    internal, found, waiting = _internal(), set[str](), [caller]
    while waiting:
        called = _calls(waiting.pop(), internal) - found
        found |= called
        waiting += (internal[name] for name in called)
    return [internal[name] for name in _callees_first(internal) if name in found]


@cache
def _internal() -> dict[str, str]:
    return {f"ops.{path.stem}": read(f"macros/ops/{path.stem}") for path in sorted((FOLDER / "ops").glob("*.sql"))}


def _calls(body: str, names: Iterable[str]) -> set[str]:
    return {name for name in names if re.search(rf"(?<![\w.]){re.escape(name)}\(", body)}


def _callees_first(bodies: Mapping[str, str]) -> list[str]:
    """Return the names of macros with callees first: DuckDB resolves calls when a macro is created."""
    calls = {name: _calls(body, bodies) - {name} for name, body in bodies.items()}
    return list(TopologicalSorter(calls).static_order())


def _macro(name: str) -> Macro:
    lines = read(f"macros/{name}").splitlines()
    head = [line[2:].removeprefix(" ") for line in takewhile(lambda line: line.startswith("--"), lines)]
    return Macro(name, "\n".join(head), "\n".join(lines[len(head) :]))
