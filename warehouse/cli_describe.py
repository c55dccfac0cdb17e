"""The command that says what a table or a macro means: describe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli_options import Out, Rows
from warehouse.cli_output import Format, emit
from warehouse.errors import UserError

if TYPE_CHECKING:
    from expectations.contract import Table


def describe(
    name: Annotated[
        str,
        typer.Argument(metavar="TABLE|MACRO", help="A table, with or without its layer, or a macro, e.g. at_risk"),
    ],
    form: Rows = Format.TABLE,
    out: Out = None,
) -> None:
    """Say what a table means: grain, columns, units, checks; or what a macro answers, with a call that runs.

    Example: liq describe liquidation_clusters
    """
    from expectations import tables
    from warehouse import macros

    known = macros.load()
    if name in known:
        if form is not Format.TABLE or out:
            raise UserError(f"{name} is a macro, described in text; leave out --format and --out")
        print(known[name].head)
        return
    try:
        contract = tables.table(name)
    except KeyError as error:
        raise UserError(f"{error.args[0]}; and the macros: {', '.join(known)}") from error
    _columns(contract, form, out)


def _columns(contract: Table, form: Format, out: Out) -> None:
    import polars as pl

    if form is Format.TABLE and out is None:
        _introduce(contract)
    columns = [
        {
            "column": c.name,
            "type": str(c.dtype),
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
        print(f"Made from: {', '.join(table.inputs)}.")
    for check in table.checks:
        print(f"  {check.severity} {check.name}: {check.reason}")


COMMANDS = (describe,)
