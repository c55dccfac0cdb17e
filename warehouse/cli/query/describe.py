"""The command `liq describe`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.options import Out, Rows
from warehouse.cli.output import Format, emit
from warehouse.errors import UserError

if TYPE_CHECKING:
    from expectations.contract import Table


def describe(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[TABLE|MACRO]",
            help="A table, with or without its schema, or a macro, e.g. at_risk; default: list all",
        ),
    ] = "",
    form: Rows = Format.TABLE,
    out: Out = None,
) -> None:
    """Describe a table (grain, columns, units, checks) or a macro (its question and an example call).

    Example: liq describe liquidation_clusters
    """
    from expectations import tables
    from warehouse.catalog import macros

    known, wanted = macros.load(), name.lower()
    if not wanted:
        _all(form, out)
    elif wanted in known:
        if form is not Format.TABLE or out:
            raise UserError(f"{wanted} is a macro and is described as text; leave out --format and --out")
        print(known[wanted].head)
    else:
        try:
            contract = tables.table(wanted)
        except KeyError as error:
            near = get_close_matches(wanted, [*tables.load(), *known], n=1)
            meant = f"did you mean {near[0]}? All" if near else "all"
            raise UserError(f"no table or macro {name!r}; {meant} are listed by: liq describe") from error
        _columns(contract, form, out)


def _all(form: Format, out: Out) -> None:
    import polars as pl

    from expectations import tables
    from warehouse.catalog import macros

    rows = [
        {"name": t.full_name, "kind": t.kind, "what": t.doc.split(". ")[0].rstrip(".")} for t in tables.load().values()
    ]
    rows += [{"name": m.name, "kind": "macro", "what": m.question} for m in macros.load().values()]
    emit(pl.DataFrame(rows), form, out)


def _columns(contract: Table, form: Format, out: Out) -> None:
    import polars as pl

    from expectations.dictionary import type_name

    if form is Format.TABLE and out is None:
        _introduce(contract)
    columns = [
        {
            "column": c.name,
            "type": type_name(c),
            "unit": c.unit,
            "may be null": c.name in contract.nullable,
            "meaning": c.doc,
        }
        for c in contract.columns
    ]
    emit(pl.DataFrame(columns), form, out)


def _introduce(table: Table) -> None:
    print(f"{table.full_name} ({table.kind}): {table.doc}")
    print(
        f"One row for each: {', '.join(table.grain)}. "
        f"Partitioned by: {', '.join(table.partition) or 'nothing, one file'}."
    )
    if table.inputs:
        print(f"Made from: {', '.join(each.table for each in table.inputs)}.")
    for check in table.checks:
        print(f"  {check.severity} {check.name}: {check.reason}")
