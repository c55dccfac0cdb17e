"""The commands `liq headline`, `liq map`, `liq sql` and `liq tables`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from warehouse.cli.options import AsOf, Coin, Out, Rows, Warehouse, market_of, one_of, open_catalog, wrote
from warehouse.cli.output import Format, emit
from warehouse.errors import UserError

if TYPE_CHECKING:
    import duckdb

    from expectations.contract import Table

Prices = Annotated[
    list[float] | None,
    typer.Option("--price", help="Price level; may be repeated, e.g. --price 95000 --price 110000", show_default=False),
]
MostRows = Annotated[int, typer.Option("--rows", min=1, help="Most rows to show in a table, e.g. --rows 20")]


def headline(coin: Coin, as_of: AsOf = None, price: Prices = None, warehouse: Warehouse = None) -> None:
    """Print the headline: notional at risk at key levels, by exchange and side.

    Example: liq headline BTC --price 100000
    """
    from transforms.charts import headline as sentences
    from warehouse.catalog.snapshot_queries import price_level

    prices = [price_level(level) for level in price or ()]
    with open_catalog(warehouse) as catalog:
        market = market_of(catalog, coin, as_of, warehouse)
    for sentence in sentences.write(market, prices):
        print(sentence)


def map_(
    coin: Coin,
    out: Annotated[Path, typer.Option(help="Chart, page or rows, e.g. --out btc.png, btc.html, btc.csv")],
    as_of: AsOf = None,
    window: Annotated[
        str, typer.Option(metavar="1d|7d|30d|all", help="Only positions opened in this window, e.g. --window 7d")
    ] = "all",
    by: Annotated[
        str, typer.Option(metavar="exchange|leverage", help="How bars are split, e.g. --by leverage")
    ] = "exchange",
    exchange: Annotated[
        str | None, typer.Option(help="Only this exchange, e.g. --exchange bybit", show_default=False)
    ] = None,
    estimator: Annotated[
        str | None,
        typer.Option(
            metavar="fitted|prior|ladder|distance|open_interest",
            help="Recompute the map with this estimator, e.g. --estimator ladder",
            show_default=False,
        ),
    ] = None,
    warehouse: Warehouse = None,
) -> None:
    """Draw the liquidation map: bars by exchange or leverage, cumulative longs and shorts, and the mark.

    Example: liq map BTC --window 7d --out btc.html
    """
    from transforms.charts.liquidation_map_rows import PARTS
    from transforms.charts.snapshot import WINDOWS
    from warehouse.catalog.snapshot_queries import by_leverage, of_exchange
    from warehouse.reports.charts import file_format, save_map

    file_format(out)
    one_of("window", window, WINDOWS)
    one_of("split of the bars", by, PARTS)
    if estimator and by == "leverage":
        raise UserError("--by leverage works on the published map only; leave --estimator out")
    with open_catalog(warehouse) as catalog:
        market = market_of(catalog, coin, as_of, warehouse)
        if estimator is not None:
            from warehouse.evaluation.estimator_replay import by_estimator

            market = by_estimator(catalog, market, estimator)
        if by == "leverage":
            market = by_leverage(catalog, market)
    chosen = of_exchange(market, exchange.lower()) if exchange else market
    print(wrote(save_map(chosen, window, out, by), market))


def sql(
    query: Annotated[
        str,
        typer.Argument(
            help="One DuckDB statement, or a .sql file with one; liq tables lists the tables",
            show_default=False,
        ),
    ],
    form: Rows = Format.TABLE,
    out: Out = None,
    rows: MostRows = 100,
    warehouse: Warehouse = None,
) -> None:
    """Query the warehouse in SQL.

    Example: liq sql "SELECT hour_utc, imbalance FROM mart.market_balance WHERE coin = 'BTC' AND distance_bp = 500"
    """
    from warehouse.catalog.snapshot_queries import query as execute

    if not query.strip():
        raise UserError('the statement is empty; write e.g. liq sql "SELECT * FROM mart.market_balance"')
    statement = Path(query).read_text() if query.endswith(".sql") else query
    with open_catalog(warehouse) as catalog:
        found = execute(catalog, statement)
    if found.columns:
        emit(found, form, out, most=rows)
    else:
        print("done: the statement returns no rows")


def tables(form: Rows = Format.TABLE, out: Out = None, warehouse: Warehouse = None) -> None:
    """List the tables with their row counts and time ranges.

    Example: liq tables --format json
    """
    import polars as pl

    from expectations.tables import load

    with open_catalog(warehouse) as catalog:
        emit(pl.DataFrame([_extent(catalog, table) for table in load().values()], infer_schema_length=None), form, out)


def _extent(catalog: duckdb.DuckDBPyConnection, table: Table) -> dict[str, object]:
    from warehouse.catalog.snapshot_queries import ask

    time = table.time_column or "NULL::TIMESTAMP"
    row = ask(catalog, "export/extent", table=table.full_name, time=time).row(0, named=True)
    return {"table": table.full_name, "kind": table.kind, **row, "what": table.doc.split(". ")[0].rstrip(".")}
