"""The commands that draw history: `liq heatmap`, `liq level`, `liq report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from warehouse.cli.options import AsOf, Coin, Warehouse, market_of, one_of, open_catalog, wrote

Picture = Annotated[Path, typer.Option(help="PNG or HTML file, e.g. --out btc.png, btc.html")]
Span = Annotated[
    str,
    typer.Option(metavar="12h|24h|3d|7d|30d|90d|180d|1y", help="Length of history, e.g. --span 30d"),
]


def heatmap(coin: Coin, out: Picture, span: Span = "7d", as_of: AsOf = None, warehouse: Warehouse = None) -> None:
    """Draw a heatmap: modelled notional by price and time, with the mark.

    Example: liq heatmap BTC --span 30d --out btc.png
    """
    from transforms.charts import heatmap as chart
    from transforms.charts.heatmap_rows import SPANS
    from warehouse.catalog import history_queries as read_history
    from warehouse.reports.charts import PICTURES, file_format, save_chart

    file_format(out, PICTURES)
    one_of("span", span, SPANS)
    with open_catalog(warehouse) as catalog:
        market = market_of(catalog, coin, as_of, warehouse)
        heat = read_history.heat(catalog, market, span)
    print(wrote(save_chart(chart.draw(heat), out), market))


def level(
    coin: Coin,
    price: Annotated[float, typer.Argument(help="Price level in USD, e.g. 95000", show_default=False)],
    out: Picture,
    span: Span = "30d",
    as_of: AsOf = None,
    warehouse: Warehouse = None,
) -> None:
    """Draw the modelled notional of one price level through time, with its band and the mark.

    Example: liq level BTC 95000 --span 90d --out level.png
    """
    from transforms.charts import level_history
    from transforms.charts.heatmap_rows import SPANS
    from warehouse.catalog import history_queries as read_history
    from warehouse.catalog.snapshot_queries import price_level
    from warehouse.reports.charts import PICTURES, file_format, save_chart

    file_format(out, PICTURES)
    one_of("span", span, SPANS)
    price_level(price)
    with open_catalog(warehouse) as catalog:
        market = market_of(catalog, coin, as_of, warehouse)
        rows = read_history.level(catalog, market, price, span)
    print(wrote(save_chart(level_history.draw(rows, market.coin, price, SPANS[span]), out), market))


def report(
    coin: Coin,
    out: Annotated[Path, typer.Option(help="HTML file, e.g. --out report.html")],
    as_of: AsOf = None,
    warehouse: Warehouse = None,
) -> None:
    """Write a self-contained HTML page with every chart of a coin, readable on a phone.

    Example: liq report BTC --out report.html
    """
    from warehouse.reports import report as pages
    from warehouse.reports.charts import PAGES, file_format

    file_format(out, PAGES)
    with open_catalog(warehouse) as catalog:
        market = market_of(catalog, coin, as_of, warehouse)
        print(wrote(pages.write(catalog, market, out), market))
