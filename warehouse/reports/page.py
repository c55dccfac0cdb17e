"""Figures as one self-contained HTML file: the template, the Vega scripts and the chart specifications."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
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
            "panels": [_spec(panel, figure, is_first=not n) for n, panel in enumerate(figure.panels)],
            "canvas": figure.canvas,
            "series": bool(figure.series),
        }
        for section in sections
        for at, figure in enumerate(section.tabs.values())
    }
    themes = {"light": config(), "dark": config(dark=True)}
    return json.dumps({"specs": specs, "themes": themes}, separators=(",", ":")).replace("<", "\\u003c")


def _spec(panel: Any, figure: Figure, *, is_first: bool) -> dict[str, Any]:
    """Return the panel's specification with controls and without config: the page has a light and a dark one."""
    spec: dict[str, Any] = panel.to_dict(validate=False)
    spec.pop("config", None)
    others = [param for param in spec.get("params", []) if param["name"] != "shown"]
    spec["params"] = [*_switches(figure.series, is_first=is_first), *others, _zoom(spec)]
    return spec


def _switches(series: Iterable[str], *, is_first: bool) -> list[dict[str, Any]]:
    """Return a checkbox for each series, and `shown`, which follows them; a figure has one set for all its panels."""
    if not series:
        return []
    box = {"input": "checkbox"}
    boxes = [
        {"name": f"show_{n}", "value": True} | ({"bind": box | {"name": name}} if is_first else {})
        for n, name in enumerate(series)
    ]
    chosen = ", ".join(f"show_{n} ? {json.dumps(name)} : null" for n, name in enumerate(series))
    return [*boxes, {"name": "shown", "expr": f"[{chosen}]"}]


def _zoom(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the selection that zooms and pans the x axis, without the gestures that scroll the page (wheel, touch)."""
    view = next(unit for unit in _units(spec) if _is_continuous(unit.get("encoding", {}).get("x", {})))
    name = view.setdefault("name", "zoomed")
    zoomed = {
        "type": "interval",
        "encodings": ["x"],
        "zoom": "wheel![event.ctrlKey || event.metaKey]",
        "translate": "[pointerdown[event.pointerType === 'mouse'], window:pointerup] > window:pointermove!",
    }
    return {"name": "zoom", "select": zoomed, "bind": "scales", "views": [name]}


def _units(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for layer in spec.get("layer", ()):
        yield from _units(layer)
    if "layer" not in spec:
        yield spec


def _is_continuous(channel: dict[str, Any]) -> bool:
    """Return whether an encoding has a continuous axis, which can be zoomed."""
    return "field" in channel and "bin" not in channel and channel["type"] in ("quantitative", "temporal")


@cache
def _template() -> Any:
    loader = FileSystemLoader(_FOLDER)
    return Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template("page.html")


@cache
def _bundle() -> str:
    """Bundle Vega, Vega-Lite and vega-embed; this takes two seconds, so it is cached."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
