"""A figure: one or more charts that share a title, a width and a legend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import altair as alt


@dataclass(frozen=True)
class Figure:
    """Panels stacked vertically under one title.

    panels: charts without titles of their own. subtitle: the data's source, whether it is modelled or realised, and its
    assumptions. series: name -> colour of the series that a reader may hide; a chart shows those in its parameter
    `shown`. canvas: True for figures with so many marks that a page draws them on a canvas instead of as SVG.
    """

    title: str
    subtitle: tuple[str, ...]
    panels: tuple[alt.Chart | alt.LayerChart, ...]
    series: Mapping[str, str] = field(default_factory=dict)
    canvas: bool = False


@dataclass(frozen=True)
class Section:
    """A section of a page: one sentence of explanation, the SQL behind its numbers, and figures by tab.

    seen: the explanation; without figures, the reason for that. asks: SQL by tab, or under "" for all tabs. opens: the
    tab shown first; the first one if empty.
    """

    name: str
    heading: str
    seen: str
    asks: Mapping[str, str] = field(default_factory=dict)
    tabs: Mapping[str, Figure] = field(default_factory=dict)
    opens: str = ""
