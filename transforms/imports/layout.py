"""What a file holds, as its owner says it."""

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
    """A file that cannot be taken as it is: which of its columns and rows, and why."""


@dataclass(frozen=True)
class Layout:
    """`form`: a series, or `liquidation_sums`, dollars or coins of longs and shorts in a bar.

    columns: ours -> the file's; a column that bears our name need not be named. unit: base, contracts or usd. sides
    that open interest counts. side_words: long, short -> the file's words. complete: no realised liquidation lacks.
    """

    form: str
    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    sides: int | None = None
    side_words: Mapping[str, str] = field(default_factory=lambda: {"long": "long", "short": "short"})
    complete: bool = False

    @property
    def series(self) -> str:
        """The series that rows become."""
        return "realised_liquidations" if self.form == "liquidation_sums" else self.form

    @property
    def known(self) -> tuple[str, ...]:
        """Every column of ours that may be named."""
        return (*_NEEDED[self.form], *_OPTIONAL[self.form], *WHO)

    def found(self, there: list[str]) -> dict[str, str]:
        """Ours -> the file's, of the columns that are `there`.

        Raises Refused for one that lacks, or that is no column of this form.
        """
        if foreign := [name for name in self.columns if name not in self.known]:
            raise Refused(f"{self.form} has no column {foreign[0]!r} to be named; there are {', '.join(self.known)}")
        named = {name: self.columns.get(name, name) for name in self.known}
        must = {*_NEEDED[self.form], *self.columns}
        for name in (each for each in self.known if each in must):
            if named[name] not in there:
                raise Refused(
                    f"there is no column {named[name]!r} for {name}; the file has {', '.join(there)}; "
                    f"say which with --columns {name}=…"
                )
        return {name: theirs for name, theirs in named.items() if theirs in there}
