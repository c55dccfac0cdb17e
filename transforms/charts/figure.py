"""A figure: one or more charts that share a title, a width and a legend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import altair as alt


@dataclass(frozen=True)
class Figure:
    """`panels` stand one below the other, without a title of their own.

    `subtitle`: modelled, realised or simulated, of which data, with which assumptions. `series`: name -> colour of
    what a reader may hide; a chart shows those that its parameter `shown` names. `canvas`: so many marks that a page
    paints them.
    """

    title: str
    subtitle: tuple[str, ...]
    panels: tuple[alt.Chart | alt.LayerChart, ...]
    series: Mapping[str, str] = field(default_factory=dict)
    canvas: bool = False


@dataclass(frozen=True)
class Section:
    """A part of a page: what is seen in a sentence, the SQL that gives the same numbers, figures by the name of a tab.

    `asks`: SQL by the name of the tab that it is of; under no name, that of all. `opens`: the tab that is open at
    first, else the first. Without figures, `seen` says why there are none.
    """

    name: str
    heading: str
    seen: str
    asks: Mapping[str, str] = field(default_factory=dict)
    tabs: Mapping[str, Figure] = field(default_factory=dict)
    opens: str = ""
