"""The data dictionary: contracts as a Markdown page, and as DuckDB comments on views and columns.

`python -m expectations.dictionary` prints the page that is stored as `warehouse/docs/tables.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from expectations.contract import Column, Input, Kind, Severity, Table
from expectations.tables import load
from expectations.validation.rules import bounds, fresh_severity, rules

_KINDS: dict[Kind, str] = {
    "reported": "as published by an exchange",
    "modelled": "inferred by the model, not observed",
    "realised": "liquidations that happened",
    "log": "recorded by this warehouse about itself",
}
_HEAD = """\
# Tables

Generated from the contracts in `expectations/tables/` by `python -m expectations.dictionary`; edit the contracts.
All times are UTC; `hour_utc` is the end of the hour. Units are in the names: `_usd`, `_base` (coins), `_bp` (0.01 %),
`_x` (leverage), `_ms`. A failed check of severity FAIL quarantines the partition and leaves the last good one in place;
WARN is only recorded in `ops.checks`.
"""


def markdown(tables: Iterable[Table]) -> str:
    """Return the page: one section per table, with its columns and checks."""
    known = {t.name: t for t in tables}
    index = "\n".join(
        f"- [{t.full_name}](#{_heading_anchor(t)}), {t.kind}: {_first_sentence(t.doc)}" for t in known.values()
    )
    return "\n".join([_HEAD, index, *("\n" + "\n".join(_table_section(t, known)) for t in known.values())]) + "\n"


def comment(table: Table) -> str:
    """Return the comment on the table's view."""
    return f"{table.kind}: {table.doc}"


def column_comments(table: Table) -> dict[str, str]:
    """Return the comment on each column of the table's view, by column name."""
    return {c.name: f"{c.doc} ({c.unit})" if c.unit else c.doc for c in table.columns}


def _heading_anchor(table: Table) -> str:
    return table.full_name.replace(".", "")


def _first_sentence(doc: str) -> str:
    """Return the first sentence, including any part after a colon."""
    return doc.split(". ", maxsplit=1)[0].rstrip(".") + "."


def _table_section(table: Table, known: dict[str, Table]) -> Iterator[str]:
    inputs = ", ".join(_describe_input(each, known) for each in _inputs_of(table, known))
    yield f"## {table.full_name}\n"
    yield f"{table.doc}\n"
    yield f"- Kind: {table.kind}, {_KINDS[table.kind]}"
    yield f"- Grain: {_as_code(table.grain)}"
    yield f"- Partitioned by: {_as_code(table.partition) or 'nothing, one file'}"
    if table.file_order:
        yield f"- Sort order within a file: {_as_code(table.file_order)}"
    yield f"- Built from: {inputs or 'no other table'}"
    if table.built_with:
        yield f"- Built together with: `{known[table.built_with].full_name}`"
    if table.fresh_within_hours is not None:
        age = _quantity(table.fresh_within_hours, "hour")
        newest = f"at most {age} before" if table.fresh_within_hours else "not before"
        yield f"- Fresh: newest `{table.time_column}` {newest} the run's hour"
    if table.may_be_empty:
        yield "- A partition may be empty if there was nothing to record"
    yield "\n| column | type | unit | null | meaning |\n|---|---|---|---|---|"
    yield from (_column_row(c, c.name in table.nullable) for c in table.columns)
    yield "\n| check | severity | reason |\n|---|---|---|"
    yield from (f"| `{name}` | {severity} | {_escape_cell(reason)} |" for name, severity, reason in checks_of(table))


def _inputs_of(table: Table, known: dict[str, Table]) -> tuple[Input, ...]:
    return known[table.built_with].inputs if table.built_with in known else table.inputs


def _describe_input(each: Input, known: dict[str, Table]) -> str:
    """Return an input's name and the window of it that a day's rows depend on."""
    before = [f"{_quantity(n, unit)} before" for n, unit in ((each.days, "day"), (each.hours, "hour")) if n]
    window = ["last hour"] * each.last_hour_only + before + ["without the day itself"] * (not each.own_day)
    name = known[each.table].full_name if each.table in known else each.table
    return f"`{name}`" + (f" ({', '.join(window)})" if window else "")


def _quantity(number: float, unit: str) -> str:
    return f"{number:g} {unit}" if number == 1 else f"{number:g} {unit}s"


def _column_row(column: Column, nullable: bool) -> str:
    meaning = column.doc
    if column.allowed:
        meaning += f". One of {_as_code(column.allowed)}"
    elif column.pattern:
        meaning += f". Matches `{column.pattern}`"
    elif limits := bounds(column):
        meaning += f". {limits.capitalize()}"
    null, meaning = "yes" if nullable else "", _escape_cell(meaning)
    return f"| `{column.name}` | {type_name(column)} | {column.unit} | {null} | {meaning} |"


def type_name(column: Column) -> str:
    """Return the name of a column's type, as shown for Parquet and DuckDB."""
    name = str(column.dtype)
    return "Timestamp (ms)" if name.startswith("Datetime") else name


def checks_of(table: Table) -> Iterator[tuple[str, Severity, str]]:
    """Yield the name, severity and reason of each check once; checks derived from columns get a general reason."""
    own = {c.name for c in table.checks}
    general = {
        "columns": "Columns must be those of the contract, in its order.",
        "types": "Each column must have its type in the contract.",
        "not_empty": "A partition must have rows.",
        "not_null": "Only nullable columns may be null.",
        "in_range": "Numbers must lie within their column's bounds.",
        "allowed_values": "Values must be among those that their column allows.",
        "matches_pattern": "Values must match their column's pattern.",
    }
    for rule in {r.check: r for r in rules(table)}.values():
        yield rule.check, rule.severity, rule.reason if rule.check in own else general.get(rule.check, rule.reason)
    if table.fresh_within_hours is not None:
        yield "fresh", fresh_severity(table), "The newest row of each coin must be as recent as the contract requires."


def _as_code(names: Iterable[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)


def _escape_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    print(markdown(load().values()), end="")
