"""Charts to files: PNG, HTML that loads nothing, CSV. Each is replaced whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from transforms.charts import liquidation_map, liquidation_map_rows
from transforms.charts.figure import Figure
from transforms.charts.snapshot import Snapshot
from transforms.charts.style import still
from warehouse.errors import UserError
from warehouse.reports.page import of_figure
from warehouse.storage.atomic import replace_whole

PAGES = (".html",)
PICTURES = (".png", *PAGES)
ROWS = (*PICTURES, ".csv")


def kind(out: Path, kinds: Sequence[str] = ROWS) -> str:
    """The file's kind by its ending. Raises UserError naming the kinds there are."""
    if out.suffix.lower() not in kinds:
        known = f"{', '.join(kinds[:-1])} or {kinds[-1]}" if len(kinds) > 1 else kinds[0]
        raise UserError(f"--out {out}: cannot write {out.suffix or 'a file without an ending'!r}; end it in {known}")
    return out.suffix.lower()


def save_map(market: Snapshot, window: str, out: Path, by: str = "exchange") -> Path:
    """The liquidation map, as `out`'s ending says."""
    if kind(out) == ".csv":
        rows = liquidation_map_rows.table(market, window, by)
        return replace_whole(out, lambda hidden: rows.write_csv(hidden, datetime_format="%Y-%m-%d %H:%M:%S"))
    return save(liquidation_map.draw(market, window, by), out)


def save(figure: Figure, out: Path) -> Path:
    """A figure as PNG (twice the pixels, for sharp text) or as one HTML file with everything in it."""
    if kind(out, PICTURES) == ".png":
        chart = still(figure)
        return replace_whole(out, lambda hidden: chart.save(str(hidden), format="png", scale_factor=2))
    return replace_whole(out, lambda hidden: hidden.write_text(of_figure(figure)))
