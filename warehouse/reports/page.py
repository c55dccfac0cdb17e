"""Figures as one self-contained HTML file: the template, the Vega scripts and the chart specifications."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from transforms.charts.figure import Figure, Section
from transforms.charts.style import config

_FOLDER = Path(__file__).parent / "template"


@dataclass(frozen=True)
class Page:
    """The content of a page.

    `key`: name, value and remark of the key figures at its top; `sentences`: the same in words; `basis`: its footer.
    """

    title: str
    sections: Sequence[Section]
    key: Sequence[tuple[str, str, str]] = ()
    sentences: Sequence[str] = ()
    basis: str = ""


def of_figure(figure: Figure) -> str:
    """Return the HTML of a page with one figure."""
    return html(Page(figure.title, [Section("figure", figure.title, "", tabs={"": figure})]))


def html(page: Page) -> str:
    """Return the page as HTML that loads no other resource."""
    text: str = _template().render(
        page=page,
        css=Markup((_FOLDER / "page.css").read_text()),
        js=Markup((_FOLDER / "page.js").read_text()),
        bundle=Markup(_bundle()),
        drawn=Markup(_json(page.sections)),
    )
    return text


def _json(sections: Sequence[Section]) -> str:
    specs = {
        f"{section.name}-{at}": {
            "panels": [_spec(panel) for panel in figure.panels],
            "canvas": figure.canvas,
            "series": bool(figure.series),
        }
        for section in sections
        for at, figure in enumerate(section.tabs.values())
    }
    themes = {"light": config(), "dark": config(dark=True)}
    return json.dumps({"specs": specs, "themes": themes}, separators=(",", ":")).replace("<", "\\u003c")


def _spec(panel: Any) -> dict[str, Any]:
    """Return the panel's Vega-Lite specification without its config: the page has one for light and one for dark."""
    spec: dict[str, Any] = panel.to_dict(validate=False)
    spec.pop("config", None)
    return spec


@cache
def _template() -> Any:
    loader = FileSystemLoader(_FOLDER)
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template("page.html")


@cache
def _bundle() -> str:
    """Bundle Vega, Vega-Lite and vega-embed; this takes two seconds, so it is cached."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
