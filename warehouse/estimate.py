"""From which hour a coin's map must be made again, and making it: state in, map and state out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import polars as pl

from expectations.contract import Table
from expectations.tables import table
from transforms.tables.model_parameters import superseded
from warehouse import rebuild
from warehouse.build import build_group
from warehouse.changes import first_difference, until_sources_change
from warehouse.clock import HOUR, days, hours
from warehouse.cluster_history import make_cluster_history
from warehouse.derived import DERIVED, Derived, day_of, write_hours
from warehouse.progress import Progress
from warehouse.prune import kept
from warehouse.store import Key, Stage, Store, label
from warehouse.sweeps import make_sweeps

LEVELS, BOOKS, SWEPT = table("liquidation_levels"), table("position_books"), table("swept_activity")
STATE, COHORTS = table("standing_positions"), table("opened_cohorts")
BARS, OPEN_INTEREST = table("price_bars"), table("open_interest")
INSTRUMENTS, TIERS, PARAMETERS = table("instruments"), table("margin_tiers"), table("model_parameters")
_INPUTS = (BARS, OPEN_INTEREST)
_MAP = (LEVELS, BOOKS, SWEPT, COHORTS, *DERIVED)
_REALISED = (table("realised_liquidations"), table("realised_coverage"))
_LOOK_BEHIND = timedelta(minutes=15)  # a reading from before the first bar's end may speak for it
_AT_ONCE = timedelta(days=4)  # and the day that is begun: of more, the rows would fill memory


Span = tuple[datetime, datetime]
"""The first and the last of the hours that are asked for."""


@dataclass(frozen=True)
class Coin:
    """One coin's map in a stage over what is published."""

    name: str
    stage: Store
    published: Store

    def keys(self, first: datetime, last: datetime) -> list[Key]:
        """Partitions of the days from `first` to `last`."""
        return [{"coin": self.name, "date": day} for day in days(first.date(), last.date())]

    def estimated_until(self) -> datetime | None:
        """The last published hour of the map."""
        for key in reversed(self.published.keys(STATE, coin=self.name)):
            state: list[datetime] = self.published.read(STATE, [key], ["hour_utc"])["hour_utc"].to_list()
            return max(state)
        return None

    def first_estimated(self) -> datetime | None:
        """The first published hour of the map."""
        for key in self.published.keys(BOOKS, coin=self.name):
            books: list[datetime] = self.published.read(BOOKS, [key], ["hour_utc"])["hour_utc"].to_list()
            return min(books)
        return None

    def first_superseded(self, first: datetime, last: datetime) -> datetime | None:
        """The first of the hours asked for that was read with another version than applies to it now."""
        columns = ["hour_utc", "exchange", "side", "parameters_version"]
        books = self.published.read(BOOKS, self.keys(first, last), columns)
        asked = books.filter(pl.col("hour_utc").is_between(first, last))
        parameters = self.stage.read(PARAMETERS, self.stage.keys(PARAMETERS))
        return min(superseded(asked, parameters)["hour_utc"].to_list(), default=None)

    def start(self, first: datetime, changed: datetime | None) -> datetime:
        """The hour to begin at: the first asked for, or earlier where the map has a hole or its input changed."""
        until, begun = self.estimated_until(), self.first_estimated()
        if until is None or begun is None or first < begun:
            return first
        again = min((h for h in (changed, self._first_lost(max(first, begun), until)) if h), default=None)
        if again is None or again > until:
            return until + HOUR
        return self.begins_before(again)

    def begins_before(self, hour: datetime) -> datetime:
        """The hour to begin at so that `hour` is made again: after a state that is kept, or the first there is."""
        return self._after_state(hour) or self.first_estimated() or hour

    def _first_lost(self, first: datetime, until: datetime) -> datetime | None:
        """The start of the first day, from `first` on, of which a table of the map was deleted, or of its month."""
        for day in days(min(first, until).date(), until.date()):
            kept = [c for c in _MAP if c is not COHORTS or day == until.date()]  # of older days state may be pruned
            lost = [contract for contract in kept if self._is_lost(contract, day)]
            if lost:
                whole = all("date" in contract.partition for contract in lost)
                return datetime.combine(day if whole else day.replace(day=1), time())
        return None

    def _is_lost(self, contract: Table, day: date) -> bool:
        """Whether the published partition that holds `day` is gone, and not held back by a check."""
        key = {"coin": self.name, "date": day, "month": f"{day:%Y-%m}"}
        held = self.published.root / "quarantine" / "mart" / contract.name / label(contract, key)
        return not self.published.path(contract, key).is_file() and not held.exists()

    def _after_state(self, hour: datetime) -> datetime | None:
        """The hour after the newest state before `hour`: a day has one, of its last hour, so it is made again whole."""
        state = self.state_before(hour)[STATE.name]
        return None if state.is_empty() else state["hour_utc"][0] + HOUR

    def state_before(self, hour: datetime) -> dict[str, pl.DataFrame]:
        """State of the newest hour before `hour`; empty tables when there is none."""
        for key in reversed(self.stage.keys(STATE, coin=self.name)):
            state = self.stage.read(STATE, [key])
            if not state.is_empty() and state["hour_utc"][0] < hour:
                return {STATE.name: state, COHORTS.name: self.stage.read(COHORTS, [key])}
        return {STATE.name: STATE.empty(), COHORTS.name: COHORTS.empty()}

    def build(self, first: datetime, last: datetime, progress: Progress) -> Iterator[datetime]:
        """Makes the map of `first` to `last` and all that derives from it, some days at a time, into the stage.

        Yields the last hour of each piece, once it is there.
        """
        progress.stage(f"estimate {self.name}", max((last - first) // HOUR + 1, 0), "hours")
        derived = Derived(self.name, self.stage)
        while first <= last:
            core = self._core(first, self._piece(first, last))
            end = until_sources_change(core[BARS.name], first, self._piece(first, last))
            wanted = list(hours(first, end))
            made = build_group(LEVELS.name, core | self.state_before(first), coin=self.name, hours=wanted)
            for contract in (STATE, COHORTS):
                self.stage.write_partitions(contract, made[contract.name])
            for contract in (LEVELS, BOOKS, SWEPT):
                write_hours(self.stage, contract, self.name, made[contract.name], wanted)
            if not made[LEVELS.name].is_empty():
                derived.make(made[LEVELS.name], wanted)
            progress.step(f"{end:%Y-%m-%d}", len(wanted), made[LEVELS.name].height)
            yield end
            first = end + HOUR

    def _piece(self, first: datetime, last: datetime) -> datetime:
        """The last of the hours to be made at once: no state is kept between, or it would be an old one."""
        for day in days(first.date(), (first + _AT_ONCE).date()):
            published = self.published.path(STATE, day_of(self.name, day)).is_file()
            if published or kept(day, last.date()):
                break
        return min(last, datetime.combine(day, time(23)))

    def _core(self, first: datetime, last: datetime) -> dict[str, pl.DataFrame]:
        """What the estimator reads for these hours."""
        keys = self.keys(first - HOUR - _LOOK_BEHIND, last)
        reference = {t.name: self.stage.read(t, self.stage.keys(t)) for t in (INSTRUMENTS, TIERS, PARAMETERS)}
        own = {
            name: frame.filter(pl.col("coin") == self.name) if "coin" in frame.columns else frame
            for name, frame in reference.items()
        }
        return own | {t.name: self.stage.read(t, keys) for t in (BARS, OPEN_INTEREST)}

    def mend(self) -> None:
        """Makes again, whole, the days of derived tables that an earlier check held back: the map has gone on since."""
        quarantine = self.published.root / "quarantine" / "mart"
        held = {path.name for contract in DERIVED for path in (quarantine / contract.name).glob(f"coin={self.name}/*")}
        for key in self.stage.keys(LEVELS, coin=self.name) if held else []:
            if held & {f"date={key['date']}", f"month={key['date']:%Y-%m}"}:
                levels = LEVELS.conform(self.stage.read(LEVELS, [key]))
                Derived(self.name, self.stage).make(levels, levels["hour_utc"].unique().sort().to_list())


def estimate_coin(stage: Stage, name: str, span: Span, again: datetime | None, progress: Progress) -> None:
    """Stages the map of one coin for the hours asked for, and for those around them that depend on what changed.

    again: from when on it is known to be out of date. A stage in which some of it is made already is gone on with.
    """
    coin = Coin(name, stage.store, stage.published)
    last = max(span[1], coin.estimated_until() or span[1])
    if made := stage.made_until(name):
        build(stage, coin, (made + HOUR, last), progress)
    else:
        build(stage, coin, (coin.start(span[0], _out_of_date(stage, coin, span, again)), last), progress)
    coin.mend()
    make_sweeps(stage, name)
    make_cluster_history(stage, name)


def build(stage: Stage, coin: Coin, span: Span, progress: Progress) -> None:
    """Builds the hours of `span` and notes in the stage how far it is, so that it may go on from there."""
    for hour in coin.build(*span, progress):
        stage.note_until(coin.name, hour)


def _out_of_date(stage: Stage, coin: Coin, span: Span, again: datetime | None) -> datetime | None:
    """The first hour whose input, or parameters, are not those that its map was made of."""
    found = (_first_changed(stage, coin.name, _INPUTS), coin.first_superseded(*span), again)
    return min((hour for hour in found if hour), default=None)


def note_changes(stage: Stage, names: Iterable[str]) -> None:
    """For whoever publishes core tables without their map: from which hour on each coin's is then out of date."""
    changed = {name: _first_changed(stage, name, (*_INPUTS, *_REALISED)) for name in names}
    rebuild.note(stage.published.root, {name: hour for name, hour in changed.items() if hour is not None})


def _first_changed(stage: Stage, name: str, contracts: Sequence[Table]) -> datetime | None:
    """The first hour of which what is staged differs from what is published."""
    first: datetime | None = None
    for contract in contracts:
        for key in stage.keys_of(contract, coin=name):
            changed = first_difference(
                contract, stage.store.read(contract, [key]), stage.published.read(contract, [key])
            )
            if changed is not None and (first is None or changed < first):
                first = changed
    return first
