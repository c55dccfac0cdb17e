"""The maps of a long range, coin by coin: made beside what is published, then joined with what came meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime, time

import polars as pl

from expectations.tables import table
from warehouse import rebuild, stages
from warehouse.estimate import Coin
from warehouse.estimate_processes import estimate_coins
from warehouse.lock import claim, lock, stage_of
from warehouse.plan import Plan
from warehouse.progress import Progress
from warehouse.run_log import RunSummary
from warehouse.settings import Settings
from warehouse.store import Stage, Store, recover
from warehouse.sweeps import make_sweeps

_OF_COIN = tuple(table(name) for name in ("price_bars", "open_interest", "liquidation_levels"))
_REFERENCE = tuple(table(name) for name in ("instruments", "margin_tiers"))

_EVER = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Seen:
    """What of a coin was published at a moment.

    files: by day of each partition that its map reads or is in, which files they are: inodes and when they were
    written, in ns. reference: its contracts and their tiers.
    """

    files: dict[object, list[tuple[int, int]]]
    reference: list[pl.DataFrame]

    @classmethod
    def now(cls, store: Store, name: str) -> Seen:
        """At this moment."""
        files: dict[object, list[tuple[int, int]]] = {}
        for contract in _OF_COIN:
            for key in store.keys(contract, coin=name):
                about = store.path(contract, key).stat()
                files.setdefault(key["date"], []).append((about.st_ino, about.st_mtime_ns))
        listed, tiers = (store.read(contract, store.keys(contract)) for contract in _REFERENCE)
        own = listed.filter(pl.col("coin") == name)
        return cls(files, [own, tiers.join(own, on=["exchange", "instrument"], how="semi")])

    def first_change(self, since: Seen) -> datetime | None:
        """The start of the first day of which another file was there then; of all days where the contract is new."""
        if not all(mine.equals(theirs) for mine, theirs in zip(self.reference, since.reference, strict=True)):
            return _EVER
        days = self.files.keys() | since.files.keys()
        changed = (day for day in days if self.files.get(day) != since.files.get(day))
        starts = (datetime.combine(day, time()) for day in changed if isinstance(day, date))
        return min(starts, default=None)


def make_maps(
    store: Store,
    settings: Settings,
    plan: Plan,
    names: Sequence[str],
    progress: Progress,
    summary: RunSummary,
    workers: int | None,
) -> None:
    """Makes and publishes the maps of the plan's hours, and of all that depend on what has changed before them.

    A coin is claimed while its map is made, so that hourly runs leave what is out of date to this, and go on. What they
    have published by the time it is done is made again, on top of the new past, before that is published.
    """
    with ExitStack() as claims:
        for name in names:
            claims.enter_context(claim(store.root, name, settings.wait_s, progress))
        covered, seen = rebuild.pending(store.root), {name: Seen.now(store, name) for name in names}
        made_in = {name: Stage(store, stage_of(name)) for name in names}
        for stage in made_in.values():
            stage.clear()
        span = (plan.first_hour, plan.last_hour)
        ids = {name: stage.run_id for name, stage in made_in.items()}
        for name in estimate_coins(store.root, ids, span, again=covered, workers=workers, progress=progress):
            stage = made_in[name]
            with lock(store.root, settings.wait_s, progress):
                recover(store)
                _catch_up(stage, name, plan, seen[name], progress)
                rebuild.remember({coin: hour for coin, hour in covered.items() if coin == name}, stage.home)
                stages.check(stage, replace(plan, coins=(name,)), progress, summary)
                stages.publish(stage, replace(plan, coins=(name,)), progress, summary)


def _catch_up(stage: Stage, name: str, plan: Plan, seen: Seen, progress: Progress) -> None:
    """Makes again what rests on what was published since it was `seen`."""
    staged, until = Coin(name, stage.store, stage.store), Coin(name, stage.store, stage.published).estimated_until()
    last = max(plan.last_hour, until or plan.last_hour)
    found = (Seen.now(stage.published, name).first_change(seen), staged.first_superseded(plan.first_hour, last))
    again = min((hour for hour in found if hour), default=None)
    if again is not None:
        staged.build(staged.begins_before(again), last, progress)
        make_sweeps(stage, name)
