"""Charts to files: PNG, HTML that loads nothing, CSV. Each is replaced whole."""

from __future__ import annotations

import html
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import altair as alt

from transforms.charts import liquidation_map, liquidation_map_rows
from transforms.charts.snapshot import Snapshot
from warehouse.errors import UserError

KINDS = (".png", ".html", ".csv")
# No link to an editor on the internet: the page is for reading, and works without one.
_ACTIONS = {"actions": {"export": True, "source": False, "compiled": False, "editor": False}}


def kind(out: Path) -> str:
    """The file's kind by its ending. Raises UserError naming the kinds there are."""
    if out.suffix.lower() not in KINDS:
        raise UserError(
            f"--out {out}: cannot write {out.suffix or 'a file without an ending'!r}; end it in .png, .html or .csv"
        )
    return out.suffix.lower()


def save_map(market: Snapshot, window: str, out: Path) -> Path:
    """The liquidation map, as `out`'s ending says."""
    if kind(out) == ".csv":
        rows = liquidation_map_rows.table(market, window)
        return replace_whole(out, lambda hidden: rows.write_csv(hidden, datetime_format="%Y-%m-%d %H:%M:%S"))
    return save(liquidation_map.draw(market, window, on_page=kind(out) == ".html"), out)


def save(chart: alt.LayerChart, out: Path) -> Path:
    """A chart as PNG (twice the pixels, for sharp text) or as one HTML file with everything in it."""
    if kind(out) == ".png":
        return replace_whole(out, lambda hidden: chart.save(str(hidden), format="png", scale_factor=2))
    return replace_whole(out, lambda hidden: hidden.write_text(_page(chart)))


def _page(chart: alt.LayerChart) -> str:
    title = html.escape(str(chart.title["text"]))
    page = str(chart.to_html(inline=True, embed_options=_ACTIONS))
    return page.replace("<head>", f"<head>\n  <title>{title}</title>", 1)


def replace_whole(out: Path, write: Callable[[Path], object]) -> Path:
    """Writes beside `out`, then renames over it. Raises UserError where that cannot be done."""
    hidden = out.with_name(f".{out.name}.tmp")
    if out.is_dir():
        raise UserError(f"cannot write {out} (it is a folder); choose another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write(hidden)
        hidden.replace(out)
    except OSError as error:
        raise UserError(f"cannot write {out} ({error.strerror or error}); choose another --out") from error
    finally:
        with suppress(OSError):  # it may be the folder that is none
            hidden.unlink()
    return out
