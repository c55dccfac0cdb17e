"""Charts as files: PNG, self-contained HTML and CSV, each replaced atomically."""

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


def file_format(out: Path, formats: Sequence[str] = ROWS) -> str:
    """Return the file's format, its lower-case extension. Raises UserError naming the known `formats`."""
    if out.suffix.lower() not in formats:
        known = f"{', '.join(formats[:-1])} or {formats[-1]}" if len(formats) > 1 else formats[0]
        raise UserError(f"--out {out}: cannot write {out.suffix or 'a file without an extension'!r}; use {known}")
    return out.suffix.lower()


def save_map(market: Snapshot, window: str, out: Path, by: str = "exchange") -> Path:
    """Save the liquidation map to `out` in the format of its extension."""
    if file_format(out) == ".csv":
        rows = liquidation_map_rows.table(market, window, by)
        return replace_whole(out, lambda hidden: rows.write_csv(hidden, datetime_format="%Y-%m-%d %H:%M:%S"))
    return save_chart(liquidation_map.draw(market, window, by), out)


def save_chart(figure: Figure, out: Path) -> Path:
    """Save a figure as PNG (at scale 2, for sharp text) or as one self-contained HTML file."""
    if file_format(out, PICTURES) == ".png":
        chart = still(figure)
        return replace_whole(out, lambda hidden: chart.save(str(hidden), format="png", scale_factor=2))
    return replace_whole(out, lambda hidden: hidden.write_text(of_figure(figure)))
