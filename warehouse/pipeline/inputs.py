"""The reader of a build's inputs: exactly the partitions and rows that the contract declares."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import sha256
from pathlib import Path

import polars as pl
from cachetools import LRUCache

from expectations.contract import Input, Table
from expectations.tables import table
from transforms.exchanges.imported import endpoint
from transforms.hourly.hours import DAY
from transforms.reference.versions import in_force
from warehouse.clock import days
from warehouse.ingest.request_log import IN_A_MONTH
from warehouse.pipeline.unit import Unit, maker
from warehouse.storage.files import read_files, version_of
from warehouse.storage.layout import Key, label
from warehouse.storage.store import Store

PAYLOADS, FETCHES, INSTRUMENTS = table("payloads"), table("fetches"), table("instruments")
_METADATA = pl.col("endpoint").is_in(["instruments", "margin_tiers", endpoint("instruments")])
_OF_A_MONTH = pl.col("endpoint").str.starts_with("archive_") & (
    pl.col("window_end_utc") - pl.col("window_start_utc") > pl.duration(days=1)
).fill_null(value=False)
_IDENTITY = (
    "exchange", "date", "endpoint", "request", "received_at_utc", "instrument", "window_start_utc", "window_end_utc",
    "source", "sha256",
)  # fmt: skip
_NOTES = ("exchange", "endpoint", "instrument", "window_start_utc", "window_end_utc", "outcome", "attempts")
_KEPT_BYTES = 1 << 28


_File = tuple[Path, tuple[int, int]]
"""A path and the version of its file."""


def digest(*parts: str) -> str:
    """Return a short digest of texts in their order."""
    return sha256("\0".join(parts).encode()).hexdigest()[:16]


@dataclass
class Reader:
    """A reader of `store` with an LRU cache of rows, since the windows of consecutive days overlap.

    Small values (digests, versions, identities of responses) are cached for the reader's lifetime.
    """

    store: Store
    _frames: LRUCache[tuple[object, ...], pl.DataFrame] = field(init=False)
    _digests: dict[tuple[object, ...], str] = field(default_factory=dict, init=False)
    _contents: dict[tuple[str, str], str] = field(default_factory=dict, init=False)
    _identities: dict[tuple[date, str | None], pl.DataFrame] = field(default_factory=dict, init=False)
    _versions_of: dict[tuple[str, tuple[str, ...]], pl.DataFrame] = field(default_factory=dict, init=False)
    _in_force: dict[tuple[object, ...], pl.DataFrame] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._frames = LRUCache(_KEPT_BYTES, getsizeof=pl.DataFrame.estimated_size)

    def inputs(self, units: Sequence[Unit], *, anew: bool = False) -> dict[str, pl.DataFrame]:
        """Read by name the inputs of units of one table and one day; for several coins, of all of them.

        anew: ignore the windows and read from the first day on.
        """
        declared, all_days = units[0].table.inputs, units[0].day.toordinal() - 1
        return {i.table: self._rows(replace(i, days=all_days) if anew else i, units) for i in declared}

    def digests(self, unit: Unit) -> dict[str, str]:
        """Return a digest of each input of a unit, by name, except of a table that adds to its own rows."""
        own = unit.table.name
        return {i.table: self._digest(i, unit) for i in unit.table.inputs if i.table != own or i.days}

    def has(self, each: Input, unit: Unit) -> bool:
        """Return whether an input has data on the unit's own day."""
        of = table(each.table)
        if of is PAYLOADS:
            return not self._answers(unit).is_empty()
        return any(self.store.find(of, key) for key in self._keys(replace(each, days=0, hours=0), [unit]))

    def keep(self, of: Table, key: Key, rows: pl.DataFrame) -> None:
        """Cache a partition that was just written, so that it need not be read."""
        path = self.store.path(of, key)
        self._cache(((path, version_of(path)), tuple(of.schema)), rows)
        self._contents.pop((of.name, label(of, key)), None)

    def keys(self, each: Input, unit: Unit) -> list[dict[str, object]]:
        """Return the partitions in the window of an input, whether or not they exist."""
        return self._keys(each, [unit])

    def _rows(self, each: Input, units: Sequence[Unit]) -> pl.DataFrame:
        of = table(each.table)
        if of is PAYLOADS:
            found = self._payloads(each, units[0])
            return found if units[0].exchange else _of_coins(found, units)
        if of.versions_of:
            return self._versions(each, units)
        rows = self._read(of, self._keys(each, units), each.columns)
        moment = pl.col(of.time_column or "")
        if each.hours:
            rows = rows.filter(moment >= units[0].begins - each.before)
        return rows.filter(moment == moment.max()) if each.last_hour_only else rows

    def _digest(self, each: Input, unit: Unit) -> str:
        of = table(each.table)
        if of is not PAYLOADS and of is not FETCHES and not of.versions_of:
            contents = ((label(of, key), self.content(of, key)) for key in self._keys(each, [unit]))
            return digest(*(f"{name}={content}" for name, content in contents if content))
        if unit.coin is None:
            columns = each.columns or (_IDENTITY if of is PAYLOADS else ())
            return digest(_as_text(self._rows(replace(each, columns=columns), [unit])))
        # a coin's lane does not build these tables, and many tables of a day share them
        name = (each, unit.coin, unit.day)
        if name not in self._digests:
            rows = self._answers(unit) if of is PAYLOADS and not each.columns else self._rows(each, [unit])
            self._digests[name] = digest(_as_text(rows))
        return self._digests[name]

    def _answers(self, unit: Unit) -> pl.DataFrame:
        """Return the identifying columns of the responses on a coin's day, without their bodies."""
        name = (unit.day, unit.coin)
        if name not in self._identities:
            every = self._payloads(Input(PAYLOADS.name, days=1, columns=_IDENTITY), unit)
            self._identities[name] = _of_coins(every, [unit])
        return self._identities[name]

    def content(self, of: Table, key: Key) -> str:
        """Return the digest of a partition's rows; of a partition deleted by retention, the one its build recorded."""
        name = (of.name, label(of, key))
        if name not in self._contents:
            footer = self.store.footer(of, key)
            if footer is None and of.kept_days is not None:
                built = self.store.footer(maker(of), key)
                self._contents[name] = str(built.products.get(of.name, "")) if built else ""
            else:
                self._contents[name] = footer.content if footer else ""
        return self._contents[name]

    def _keys(self, each: Input, units: Sequence[Unit]) -> list[dict[str, object]]:
        of, unit = table(each.table), units[0]
        if "date" not in of.partition:
            return self.store.keys(of, **({"exchange": unit.exchange} if unit.exchange and of.partition else {}))
        last = unit.day if each.own_day else unit.day - DAY
        window = list(days((unit.begins - each.before).date(), last))
        if "coin" in of.partition:
            coins = [u.coin for u in units if u.coin] or _names(self.store, of, "coin")
            return [{"coin": coin, "date": day} for coin in coins for day in window]
        names = [unit.exchange] if unit.exchange else _names(self.store, of, "exchange")
        return [{"exchange": name, "date": day} for name in names for day in window]

    def _read(self, of: Table, keys: Iterable[Key], columns: Sequence[str] = ()) -> pl.DataFrame:
        wanted = tuple(columns) or tuple(of.schema)
        files = self._files(of, keys)
        frames = {file: self._cached(of, file, wanted) for file in files}
        missing = [file for file, rows in frames.items() if rows is None]
        read = read_files(of, {file[0]: files[file] for file in missing}, wanted)
        for file, rows in zip(missing, read, strict=True):
            frames[file] = rows
            self._cache((file, wanted), rows)
        found = [rows for rows in frames.values() if rows is not None]
        return pl.concat(found) if found else of.empty().select(wanted)

    def _files(self, of: Table, keys: Iterable[Key]) -> dict[_File, Key]:
        return {(path, version_of(path)): key for key in keys if (path := self.store.find(of, key))}

    def _cached(self, of: Table, file: _File, wanted: tuple[str, ...]) -> pl.DataFrame | None:
        """Return columns of a file from the cache, where they may be part of the whole file; None if not cached."""
        rows = self._frames.get((file, wanted))
        if rows is None and wanted != (every := tuple(of.schema)):
            whole = self._frames.get((file, every))
            rows = None if whole is None else whole.select(wanted)
        return rows

    def _cache(self, name: tuple[object, ...], rows: pl.DataFrame) -> None:
        with suppress(ValueError):  # larger than the cache
            self._frames[name] = rows

    def _versions(self, each: Input, units: Sequence[Unit]) -> pl.DataFrame:
        """Return the versions in force within the window for the units' coins; for an exchange's unit, all versions."""
        of, unit = table(each.table), units[0]
        coins = tuple(u.coin for u in units if u.coin)
        if not coins:
            return self._read(of, self._keys(each, units))
        known = self._known_versions(of, coins)
        first, last = unit.begins - each.before, unit.ends if each.own_day else unit.begins
        starts = known["valid_from_utc"].unique().sort().to_list()
        name = (of.name, coins, bisect_right(starts, first), bisect_left(starts, last))
        if name not in self._in_force:
            self._in_force[name] = in_force(known, of.versions_of, first, last)
        return self._in_force[name]

    def _known_versions(self, of: Table, coins: tuple[str, ...]) -> pl.DataFrame:
        name = (of.name, coins)
        if name not in self._versions_of:
            rows = self._read(of, self.store.keys(of))
            own = rows.filter(pl.col("coin").is_in(coins)) if "coin" in of.schema else rows
            self._versions_of[name] = own
        return self._versions_of[name]

    def _payloads(self, each: Input, unit: Unit) -> pl.DataFrame:
        """Read the listings for an exchange's unit, else the responses that overlap the day.

        Each response comes with its coin, null if it is about all coins. A reading at midnight belongs to a request of
        the day before.
        """
        if unit.exchange:
            return self._listings(each, unit)
        # all core tables of a day read the same responses
        name = (each, unit.day, *self._files(PAYLOADS, self._keys(each, [unit])))
        rows = self._frames.get(name)
        if rows is None:
            rows = self._answers_of_day(each, unit)
            self._cache(name, rows)
        return rows

    def _answers_of_day(self, each: Input, unit: Unit) -> pl.DataFrame:
        needed = tuple(dict.fromkeys((*each.columns, *_IDENTITY))) if each.columns else ()
        keys = self._keys(each, [unit])
        own = self._read(PAYLOADS, keys, needed).filter(~_METADATA & ~_OF_A_MONTH)
        rows = pl.concat([own, self._of_months(keys, needed).select(own.columns)]).filter(_overlaps(unit))
        names = self._read(INSTRUMENTS, self.store.keys(INSTRUMENTS)).select("exchange", "instrument", "coin").unique()
        known = rows.join(names, on=["exchange", "instrument"], how="left", maintain_order="left")
        listed = known.filter(pl.col("instrument").is_null() | pl.col("coin").is_not_null())
        return listed.select(*(each.columns or PAYLOADS.schema.names()), "coin")

    def _of_months(self, keys: list[dict[str, object]], columns: Sequence[str]) -> pl.DataFrame:
        """Read monthly files, stored at the first day of the month: once per day that they answer, cut to that day."""
        identity, month = ["exchange", "endpoint", "instrument"], pl.col("window_start_utc").dt.truncate("1mo")
        noted = self._read(FETCHES, keys, _NOTES).filter(IN_A_MONTH)
        if noted.is_empty():
            return PAYLOADS.empty().select(list(columns) or pl.all())
        answered = noted.select(*identity, "window_start_utc", "window_end_utc", month.alias("month"))
        homes = answered.select("exchange", pl.col("month").dt.date().alias("date")).unique().sort("exchange", "date")
        stored = self._read(PAYLOADS, homes.to_dicts(), columns).filter(_OF_A_MONTH).with_columns(month.alias("month"))
        return stored.drop("window_start_utc", "window_end_utc").join(answered, on=[*identity, "month"])

    def _listings(self, each: Input, unit: Unit) -> pl.DataFrame:
        """Read an exchange's listings from the window's first day on, or all while the unit has no rows of its own.

        Their receipt times are floored to the hour.
        """
        since = (unit.begins - each.before).date() if self.store.find(unit.table, unit.key) else date.min
        keys = [k for k in self.store.keys(PAYLOADS, exchange=unit.exchange) if str(k["date"]) >= str(since)]
        found = self._read(PAYLOADS, keys, each.columns).filter(_METADATA)
        return found.with_columns(pl.col("received_at_utc").dt.truncate("1h"))


def _names(store: Store, of: Table, column: str) -> list[str]:
    """Return the values of a table's first partition column, from its folders."""
    home = store.root / of.layer / of.name
    here = {path.name.removeprefix(f"{column}=") for path in home.glob(f"{column}=*")}
    return sorted(here.union(_names(store.base, of, column) if store.base else ()))


def _overlaps(unit: Unit) -> pl.Expr:
    """Select responses requested for the unit's day, or for hours up to its first moment."""
    return (pl.col("date") == unit.day) | pl.col("window_end_utc").is_null() | (pl.col("window_end_utc") >= unit.begins)


def _of_coins(answers: pl.DataFrame, units: Sequence[Unit]) -> pl.DataFrame:
    """Return the responses about the units' coins or about all coins."""
    coins = [unit.coin for unit in units]
    return answers.filter(pl.col("coin").is_null() | pl.col("coin").is_in(coins)).drop("coin")


def _as_text(rows: pl.DataFrame) -> str:
    """Return rows as text that does not depend on their order."""
    return rows.unique().sort(pl.all()).write_csv()
