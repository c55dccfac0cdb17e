"""The layout of a file to import, as the importer describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WHO = ("instrument", "coin", "exchange")
_BAR = ("time", "open", "high", "low", "close")
_NEEDED = {
    "open_interest": ("time", "open_interest"),
    "mark_bars": _BAR,
    "trade_bars": _BAR,
    "realised_liquidations": ("time", "side", "price", "size"),
    "liquidation_sums": ("time", "long", "short"),
}
_OPTIONAL = {
    "open_interest": ("open_interest_usd", "mark_price"),
    "mark_bars": (),
    "trade_bars": ("volume", "taker_buy"),
    "realised_liquidations": (),
    "liquidation_sums": ("price",),
}


class Refused(Exception):
    """A file that cannot be imported as it is; the message names the column, the row and the reason."""


@dataclass(frozen=True)
class Layout:
    """The form of a file's rows, its column names and its units.

    form: a series, or `liquidation_sums` for long and short amounts per bar. columns: our name -> the file's, where
    they differ. unit: base, contracts or usd. sides: how many sides open interest counts, 1 or 2. side_words: long,
    short -> the file's words. complete: the file has every realised liquidation.
    """

    form: str
    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    sides: int | None = None
    side_words: Mapping[str, str] = field(default_factory=lambda: {"long": "long", "short": "short"})
    complete: bool = False

    @property
    def series(self) -> str:
        """The series that the rows become."""
        return "realised_liquidations" if self.form == "liquidation_sums" else self.form

    @property
    def known(self) -> tuple[str, ...]:
        """Every column name that this form accepts."""
        return (*_NEEDED[self.form], *_OPTIONAL[self.form], *WHO)

    def found(self, there: list[str]) -> dict[str, str]:
        """Return our name -> the file's for the columns `there`, those that the file has.

        Raises Refused for a column that is missing, or that this form does not have.
        """
        if foreign := [name for name in self.columns if name not in self.known]:
            raise Refused(f"{self.form} has no column {foreign[0]!r}; --columns accepts {', '.join(self.known)}")
        named = {name: self.columns.get(name, name) for name in self.known}
        must = {*_NEEDED[self.form], *self.columns}
        for name in (each for each in self.known if each in must):
            if named[name] not in there:
                raise Refused(
                    f"there is no column {named[name]!r} for {name}; the file has {', '.join(there)}; "
                    f"choose one with --columns {name}=…"
                )
        return {name: theirs for name, theirs in named.items() if theirs in there}
