"""From which hour a coin's map must be made again, and making it: state in, map and state out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread

import polars as pl

from expectations.contract import Table
from expectations.tables import table
from transforms.tables.liquidation_clusters import TRAILING
from transforms.tables.model_parameters import superseded
from warehouse import rebuild
from warehouse.build import build, build_group
from warehouse.clock import HOUR, days, hours
from warehouse.progress import Progress
from warehouse.store import Key, Stage, Store

LEVELS, BOOKS, SWEPT = table("liquidation_levels"), table("position_books"), table("swept_activity")
STATE, COHORTS = table("standing_positions"), table("opened_cohorts")
BARS, OPEN_INTEREST = table("price_bars"), table("open_interest")
INSTRUMENTS, TIERS, PARAMETERS = table("instruments"), table("margin_tiers"), table("model_parameters")
_INPUTS = (BARS, OPEN_INTEREST)
_REALISED = (table("realised_liquidations"), table("realised_coverage"))
_WORTH_PROCESSES = 200  # coin-hours: below, starting a process costs more than it saves
DERIVED = ("liquidation_curve", "market_balance", "liquidation_clusters")
_LOOK_BEHIND = timedelta(minutes=15)  # a reading from before the first bar's end may speak for it


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
        """The start of the first day, from `first` on, of which a table of the map was deleted."""
        for day in days(min(first, until).date(), until.date()):
            for contract in (LEVELS, BOOKS, SWEPT, COHORTS, table("liquidation_curve"), table("market_balance")):
                kept = contract is not COHORTS or day == until.date()  # of older days state may have been pruned
                held = self.published.root / "quarantine" / "mart" / contract.name / f"coin={self.name}/date={day}"
                lost = not self.published.path(contract, {"coin": self.name, "date": day}).is_file()
                if kept and lost and not held.exists():
                    return datetime.combine(day, time())
        return None

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

    def build(self, first: datetime, last: datetime, progress: Progress) -> None:
        """Makes the map of `first` to `last` and all that derives from it, a day at a time, into the stage."""
        progress.stage(f"estimate {self.name}", max((last - first) // HOUR + 1, 0), "hours")
        while first <= last:
            end = min(last, datetime.combine(first.date(), time(23)))
            rows = self._build_day(first, end)
            progress.step(f"{first:%Y-%m-%d}", (end - first) // HOUR + 1, rows)
            first = end + HOUR

    def _build_day(self, first: datetime, last: datetime) -> int:
        wanted = list(hours(first, last))
        keys = self.keys(first - HOUR - _LOOK_BEHIND, last)
        core = {t.name: self.stage.read(t, keys) for t in (BARS, OPEN_INTEREST)}
        reference = {t.name: self.stage.read(t, self.stage.keys(t)) for t in (INSTRUMENTS, TIERS, PARAMETERS)}
        own = {
            name: frame.filter(pl.col("coin") == self.name) if "coin" in frame.columns else frame
            for name, frame in reference.items()
        }
        state = self.state_before(first)
        made = build_group(LEVELS.name, core | own | state, coin=self.name, hours=wanted)
        for contract in (STATE, COHORTS):
            self._write(contract, made[contract.name])
        self._join(LEVELS, made[LEVELS.name], first)
        self._join(BOOKS, made[BOOKS.name], first)
        self._join(SWEPT, made[SWEPT.name], first)
        if not made[LEVELS.name].is_empty():
            self._derive(made[LEVELS.name], wanted)
        return made[LEVELS.name].height

    def _derive(self, levels: pl.DataFrame, wanted: list[datetime]) -> None:
        """What is made of the map and its parameters alone, for hours of one day."""
        first = wanted[0]
        parameters = self.stage.read(PARAMETERS, self.stage.keys(PARAMETERS))
        curve = build("liquidation_curve", {LEVELS.name: levels, PARAMETERS.name: parameters})
        self._join(table("liquidation_curve"), curve, first)
        self._join(table("market_balance"), build("market_balance", {"liquidation_curve": curve}), first)
        trailing = self.stage.read(LEVELS, self.keys(first - TRAILING, wanted[-1]))
        clusters = build("liquidation_clusters", {LEVELS.name: trailing}, coin=self.name, hours=wanted)
        self._join(table("liquidation_clusters"), clusters, first)

    def mend(self) -> None:
        """Makes again, whole, the days of derived tables that an earlier check held back: the map has gone on since."""
        held = {
            path.name.removeprefix("date=")
            for name in DERIVED
            for path in (self.published.root / "quarantine" / "mart" / name).glob(f"coin={self.name}/date=*")
        }
        for day in sorted(held):
            levels = self.stage.read(LEVELS, [{"coin": self.name, "date": date.fromisoformat(day)}])
            if not levels.is_empty():
                self._derive(levels, levels["hour_utc"].unique().sort().to_list())

    def _join(self, contract: Table, made: pl.DataFrame, first: datetime) -> pl.DataFrame:
        """Writes the day: its earlier hours as they were, and what was made."""
        day = self.stage.read(contract, [{"coin": self.name, "date": first.date()}])
        joined = pl.concat([day.filter(pl.col("hour_utc") < first), made])
        self._write(contract, joined)
        return joined

    def _write(self, contract: Table, frame: pl.DataFrame) -> None:
        if not frame.is_empty():
            self.stage.write_partitions(contract, frame)


def estimate_coin(stage: Stage, name: str, span: Span, again: datetime | None, progress: Progress) -> None:
    """Stages the map of one coin for the hours asked for, and for those around them that depend on what changed.

    again: from when on it is known to be out of date.
    """
    coin = Coin(name, stage.store, stage.published)
    found = (_first_changed(stage, name, _INPUTS), coin.first_superseded(*span), again)
    again = min((hour for hour in found if hour), default=None)
    coin.build(coin.start(span[0], again), max(span[1], coin.estimated_until() or span[1]), progress)
    coin.mend()


def note_changes(stage: Stage, names: Iterable[str]) -> None:
    """For whoever publishes core tables without their map: from which hour on each coin's is then out of date."""
    changed = {name: _first_changed(stage, name, (*_INPUTS, *_REALISED)) for name in names}
    rebuild.note(stage.published.root, {name: hour for name, hour in changed.items() if hour is not None})


def _first_changed(stage: Stage, name: str, contracts: Sequence[Table]) -> datetime | None:
    """The first hour of which what is staged differs from what is published."""
    first: datetime | None = None
    for contract in contracts:
        for key in stage.keys_of(contract, coin=name):
            changed = _difference(contract, stage.store.read(contract, [key]), stage.published.read(contract, [key]))
            if changed is not None and (first is None or changed < first):
                first = changed
    return first


def estimate_coins(
    root: Path,
    stage_of: Mapping[str, str],
    first: datetime,
    last: datetime,
    *,
    again: Mapping[str, datetime],
    workers: int | None = None,
    progress: Progress,
) -> Iterator[str]:
    """`estimate_coin` for each, into the stage named beside it; on all cores where that is worth starting processes.

    Coins are named as they finish.
    """
    if len(stage_of) * ((last - first) // HOUR + 1) < _WORTH_PROCESSES:
        for name, run_id in stage_of.items():
            estimate_coin(Stage(Store(root), run_id), name, (first, last), again.get(name), progress)
            yield name
        return
    jobs = [(root, run_id, name, (first, last), again.get(name), progress) for name, run_id in stage_of.items()]
    # one more than there are cores, or the last coin would have a machine to itself
    with ThreadPoolExecutor(workers or (os.cpu_count() or 1) + 1) as pool:
        yield from (done.result() for done in as_completed([pool.submit(_in_process, *job) for job in jobs]))


def _in_process(root: Path, run_id: str, name: str, span: Span, again: datetime | None, progress: Progress) -> str:
    """A fresh interpreter, which tells how far it is line by line.

    A fork would copy the locks of polars' threads, and a pool would run the caller's script again.
    """
    words = [str(root), run_id, name, *(hour.isoformat() if hour else "" for hour in (*span, again))]
    command = [sys.executable, "-m", "warehouse.estimate", *words]
    pipe = subprocess.PIPE  # the child's stdin is never written: it ends when this process does
    env = os.environ | {"POLARS_MAX_THREADS": "1"}  # a process a core: threads beside them only take turns
    with (
        TemporaryFile("w+") as complaints,
        subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=complaints, text=True, env=env) as child,
    ):
        for line in child.stdout or ():
            what, *about = json.loads(line)
            getattr(progress, what)(*about)
        if child.wait():
            complaints.seek(0)
            raise RuntimeError(f"estimating {name} failed: {complaints.read().strip()}")
    return name


class _ToParent:
    """A progress that is told on, a line each."""

    def stage(self, name: str, total: int, unit: str) -> None:
        """Begins."""
        print(json.dumps(["stage", name, total, unit]), flush=True)

    def step(self, note: str = "", advance: int = 1, rows: int = 0) -> None:
        """Goes on."""
        print(json.dumps(["step", note, advance, rows]), flush=True)


def _end_with_parent() -> None:
    """Ends this process when its stdin does: one that outlived a killed run would stage files beside the next one's."""
    os.read(0, 1)
    os._exit(1)


def _difference(contract: Table, new: pl.DataFrame, old: pl.DataFrame) -> datetime | None:
    """The first hour that rows which are not in both speak for.

    A bar for the hour it opens in, a reading for the one it ends.
    """
    if old.equals(new):
        return None
    columns = contract.schema.names()
    differing = [a.join(b, on=columns, how="anti", nulls_equal=True) for a, b in ((new, old), (old, new))]
    moment = pl.col(contract.time_column or "")
    inside = moment if contract is BARS else moment.dt.offset_by("-1ms")
    hours_ = pl.concat(differing).select(inside.dt.truncate("1h").dt.offset_by("1h")).to_series()
    return min(hours_.to_list(), default=None)


if __name__ == "__main__":
    Thread(target=_end_with_parent, daemon=True).start()
    _root, _run_id, _name, *_hours = sys.argv[1:]
    _first, _last, _again = (datetime.fromisoformat(hour) if hour else None for hour in _hours)
    assert _first is not None
    assert _last is not None
    estimate_coin(Stage(Store(Path(_root)), _run_id), _name, (_first, _last), _again, _ToParent())
