"""The dictionary: contracts as a page to read, and as comments that DuckDB shows beside views and columns.

`python -m expectations.dictionary` prints the page; `warehouse/docs/tables.md` is what it printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from expectations.contract import Column, Input, Kind, Severity, Table
from expectations.tables import load
from expectations.validation.rules import bounds, fresh_severity, rules

_KINDS: dict[Kind, str] = {
    "reported": "what an exchange said",
    "modelled": "what is inferred, not observed",
    "realised": "what happened",
    "log": "what this warehouse did",
}
_HEAD = """\
# Tables

Generated from the contracts in `expectations/tables/` by `python -m expectations.dictionary`; change them, not this.
All times are UTC. Units are in the names: `_usd`, `_base` (coins), `_bp` (0.01 %), `_x` (leverage), `_ms`.
A check of severity FAIL holds a partition back and leaves the last good one; WARN is recorded in `ops.checks`.
"""


def markdown(tables: Iterable[Table]) -> str:
    """The page: one heading for each table, with its columns and checks."""
    known = {t.name: t for t in tables}
    index = "\n".join(f"- [{t.full_name}](#{_anchor(t)}), {t.kind}: {_first(t.doc)}" for t in known.values())
    return "\n".join([_HEAD, index, *("\n" + "\n".join(_section(t, known)) for t in known.values())]) + "\n"


def comment(table: Table) -> str:
    """The comment on the table's view."""
    return f"{table.kind}: {table.doc}"


def column_comments(table: Table) -> dict[str, str]:
    """The comment on each column of the table's view."""
    return {c.name: f"{c.doc} ({c.unit})" if c.unit else c.doc for c in table.columns}


def _anchor(table: Table) -> str:
    return table.full_name.replace(".", "")


def _first(doc: str) -> str:
    """The first sentence; a colon within it stays."""
    return doc.split(". ")[0].rstrip(".") + "."


def _section(table: Table, known: dict[str, Table]) -> Iterator[str]:
    inputs = ", ".join(_input(each, known) for each in _inputs_of(table, known))
    yield f"## {table.full_name}\n"
    yield f"{table.doc}\n"
    yield f"- Kind: {table.kind}, {_KINDS[table.kind]}"
    yield f"- Grain: {_codes(table.grain)}"
    yield f"- Partitioned by: {_codes(table.partition) or 'nothing, one file'}"
    if table.file_order:
        yield f"- Rows of a file are in order of: {_codes(table.file_order)}"
    yield f"- Made from: {inputs or 'nothing else here'}"
    if table.built_with:
        yield f"- Made together with: `{known[table.built_with].full_name}`"
    if table.fresh_within_hours is not None:
        yield f"- Fresh: `{table.time_column}` within {table.fresh_within_hours:g} hours of the run's hour"
    if table.may_be_empty:
        yield "- A partition may be empty: nothing happened"
    yield "\n| column | type | unit | null | meaning |\n|---|---|---|---|---|"
    yield from (_row(c, c.name in table.nullable) for c in table.columns)
    yield "\n| check | severity | reason |\n|---|---|---|"
    yield from (f"| `{name}` | {severity} | {_cell(reason)} |" for name, severity, reason in checks_of(table))


def _inputs_of(table: Table, known: dict[str, Table]) -> tuple[Input, ...]:
    return known[table.built_with].inputs if table.built_with in known else table.inputs


def _input(each: Input, known: dict[str, Table]) -> str:
    """An input and its window: what of it a day's rows depend on."""
    before = [f"{n} {unit} before" for n, unit in ((each.days, "days"), (each.hours, "hours")) if n]
    window = ["last hour"] * each.last_hour_only + before + ["not the day itself"] * (not each.own_day)
    name = known[each.table].full_name if each.table in known else each.table
    return f"`{name}`" + (f" ({', '.join(window)})" if window else "")


def _row(column: Column, nullable: bool) -> str:
    meaning = column.doc
    if column.allowed:
        meaning += f". One of {_codes(column.allowed)}"
    elif column.pattern:
        meaning += f". Reads like `{column.pattern}`"
    elif limits := bounds(column):
        meaning += f". {limits.capitalize()}"
    return f"| `{column.name}` | {type_name(column)} | {column.unit} | {'yes' if nullable else ''} | {_cell(meaning)} |"


def type_name(column: Column) -> str:
    """The type in a word, as polars, Parquet and DuckDB share it."""
    name = str(column.dtype)
    return "Timestamp (ms)" if name.startswith("Datetime") else name


def checks_of(table: Table) -> Iterator[tuple[str, Severity, str]]:
    """Yield the name, severity and reason of each check once: those derived from columns are said in general."""
    own = {c.name for c in table.checks}
    general = {
        "columns": "The columns are those of the contract, in its order.",
        "types": "Each column is of its type in the contract.",
        "not_empty": "A partition has rows.",
        "not_null": "Only columns that the contract names are ever null.",
        "in_range": "Numbers lie within the bounds of their columns.",
        "allowed_values": "Words are among those that their columns allow.",
        "reads_like": "Words read like the pattern of their columns.",
    }
    for rule in {r.check: r for r in rules(table)}.values():
        yield rule.check, rule.severity, rule.reason if rule.check in own else general.get(rule.check, rule.reason)
    if table.fresh_within_hours is not None:
        yield "fresh", fresh_severity(table), "The newest row of each coin is as recent as the contract demands."


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    print(markdown(load().values()), end="")
