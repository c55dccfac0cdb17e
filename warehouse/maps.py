"""The maps of a long range, coin by coin: made beside what is published, then joined with what came meanwhile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256

import polars as pl

from expectations.tables import table
from warehouse import rebuild, stages
from warehouse.cluster_history import make_cluster_history
from warehouse.estimate import Coin, build
from warehouse.estimate_processes import estimate_coins
from warehouse.lock import lock, stage_of
from warehouse.plan import Plan
from warehouse.progress import Progress
from warehouse.run_log import RunSummary
from warehouse.settings import Settings
from warehouse.store import Stage, Store, recover
from warehouse.sweeps import make_sweeps

_OF_COIN = tuple(
    table(name)
    for name in ("price_bars", "open_interest", "realised_liquidations", "realised_coverage", "liquidation_levels")
)
_REFERENCE = tuple(table(name) for name in ("instruments", "margin_tiers"))

_EVER = datetime(1970, 1, 1)
_NOTE = "begun.json"


@dataclass(frozen=True)
class Begun:
    """What a map is made of that is being made: of which hours, and what of the coin was published when it was begun.

    again: from when on it was known to be out of date. files: by day, of each partition that the map reads or is in,
    which file it is: inode, and when it was written in ns. reference: a digest of its contracts and their tiers.
    """

    span: tuple[str, str]
    again: str
    files: dict[str, list[list[int]]]
    reference: str

    @classmethod
    def now(cls, store: Store, name: str, plan: Plan, again: datetime | None) -> Begun:
        """Begun at this moment."""
        files: dict[str, list[list[int]]] = {}
        for contract in _OF_COIN:
            for key in store.keys(contract, coin=name):
                about = store.path(contract, key).stat()
                files.setdefault(f"{key['date']}", []).append([about.st_ino, about.st_mtime_ns])
        listed, tiers = (store.read(contract, store.keys(contract)) for contract in _REFERENCE)
        own = listed.filter(pl.col("coin") == name)
        known = (own, tiers.join(own, on=["exchange", "instrument"], how="semi"))
        digest = sha256("".join(frame.write_json() for frame in known).encode()).hexdigest()
        hours = (plan.first_hour.isoformat(), plan.last_hour.isoformat())
        return cls(hours, again.isoformat() if again else "", files, digest)

    def first_change(self, since: Begun) -> datetime | None:
        """The start of the first day of which another file was there then; of all days where the contract is new."""
        if self.reference != since.reference:
            return _EVER
        changed = (day for day in self.files.keys() | since.files.keys() if self.files.get(day) != since.files.get(day))
        return min((datetime.fromisoformat(day) for day in changed), default=None)


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

    The coins are claimed by whoever calls, so that hourly runs leave what is out of date to this, and go on. What they
    have published by the time it is done is made again, on top of the new past, before that is published. Where a map
    was begun by a run that was killed, it goes on from there.
    """
    covered = rebuild.pending(store.root)
    made_in = {name: Stage(store, stage_of(name)) for name in names}
    begun = {name: _begin(made_in[name], name, plan, covered.get(name)) for name in names}
    ids, span = {name: stage.run_id for name, stage in made_in.items()}, (plan.first_hour, plan.last_hour)
    for name in estimate_coins(store.root, ids, span, again=covered, workers=workers, progress=progress):
        stage, own = made_in[name], replace(plan, coins=(name,))
        with lock(store.root, settings.wait_s, progress):
            recover(store)
            _catch_up(stage, name, own, begun[name], progress)
            (stage.home / _NOTE).unlink(missing_ok=True)  # what a check has held back would be missed by who goes on
            rebuild.remember({coin: hour for coin, hour in covered.items() if coin == name}, stage.home)
            stages.check(stage, own, progress, summary)
            stages.publish(stage, own, progress, summary)


def _begin(stage: Stage, name: str, plan: Plan, again: datetime | None) -> Begun:
    """Goes on with what is in the stage if that is of the same hours, and clears it otherwise."""
    note, now = stage.home / _NOTE, Begun.now(stage.published, name, plan, again)
    try:
        before = Begun(**json.loads(note.read_text()))
        if (tuple(before.span), before.again) == (now.span, now.again):
            return before
    except (OSError, ValueError, TypeError):
        pass
    stage.clear()
    stage.home.mkdir(parents=True)
    note.write_text(json.dumps(asdict(now)))
    return now


def _catch_up(stage: Stage, name: str, plan: Plan, begun: Begun, progress: Progress) -> None:
    """Makes again what rests on what was published since the map was begun."""
    staged, until = Coin(name, stage.store, stage.store), Coin(name, stage.store, stage.published).estimated_until()
    last, now = max(plan.last_hour, until or plan.last_hour), Begun.now(stage.published, name, plan, None)
    found = (now.first_change(begun), staged.first_superseded(plan.first_hour, last))
    again = min((hour for hour in found if hour), default=None)
    if again is not None:
        build(stage, staged, (staged.begins_before(again), last), progress)
        make_sweeps(stage, name)
        make_cluster_history(stage, name)
