"""The command `liq sensitivity`: a map under alternative leverage assumptions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warehouse.cli.options import AsOf, Coin, Rows, Warehouse, settings_of
from warehouse.cli.output import Format, emit
from warehouse.clock import parse_moment

Out = Annotated[
    Path | None,
    typer.Option(help="Chart, page or rows, e.g. --out btc.png, btc.html, btc.csv", show_default=False),
]


def sensitivity(
    coin: Coin, as_of: AsOf = None, out: Out = None, form: Rows = Format.TABLE, warehouse: Warehouse = None
) -> None:
    """Recompute a map under alternative leverage assumptions: public, ladder and the current fit.

    Example: liq sensitivity BTC --out sensitivity.png
    """
    from transforms.charts import sensitivity as chart
    from transforms.charts.amounts import hour_text
    from transforms.estimation.sensitivity import table
    from warehouse.catalog.build import connect
    from warehouse.catalog.snapshot_queries import state
    from warehouse.reports.charts import save_chart
    from warehouse.storage.store import open_store

    settings = settings_of(warehouse=warehouse)
    open_store(settings.root, settings.source, create=False)
    with connect(settings.root) as catalog:
        rows = table(coin.upper(), *state(catalog, coin.upper(), parse_moment(as_of) if as_of else None))
    ending = out.suffix.lower() if out else ""
    if out and ending in (".png", ".html"):
        basis = f"modelled; {rows['source'][0]} data; {hour_text(rows['hour_utc'][0])}"
        print(f"wrote {save_chart(chart.draw(rows), out)} ({basis})")
        return
    by_ending = {".csv": Format.CSV, ".json": Format.JSON, ".parquet": Format.PARQUET}
    emit(rows, by_ending.get(ending, form) if form is Format.TABLE else form, out)
