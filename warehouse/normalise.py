"""Stored payloads to core tables, a day at a time, rebuilt whole from what was received."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import polars as pl

from expectations.tables import table
from transforms.exchanges import ADAPTERS
from transforms.exchanges.imported import endpoint
from transforms.slowly_changing import as_of
from transforms.tables.gaps import FAILED
from warehouse.answers import IN_A_MONTH
from warehouse.build import build
from warehouse.clock import HOUR, days, hours
from warehouse.collect import LOOK_BACK, left_out
from warehouse.plan import Plan
from warehouse.progress import Progress
from warehouse.store import Store

PAYLOADS, FETCHES, GAPS = table("payloads"), table("fetches"), table("gaps")
INSTRUMENTS, TIERS, PARAMETERS = table("instruments"), table("margin_tiers"), table("model_parameters")
BARS, OPEN_INTEREST = table("price_bars"), table("open_interest")
_DAY = timedelta(days=1)
_FILE = pl.col("endpoint").str.starts_with("archive_")  # of a day, for whichever hours of it were asked for
_WINDOW = ["window_start_utc", "window_end_utc"]
_OF_A_MONTH = _FILE & (pl.col("window_end_utc") - pl.col("window_start_utc") > _DAY).fill_null(value=False)
_UNSEEN_FOR = timedelta(days=7)  # so long may metadata lie received and not made into versions
_METADATA = pl.col("endpoint").is_in(["instruments", "margin_tiers", endpoint("instruments")])
_HOURLY = pl.col("endpoint").is_in([endpoint(s) for s in ("open_interest", "mark_bars", "trade_bars")])


def reference_tables(stage: Store, plan: Plan) -> None:
    """Instruments, tiers and parameters, into the stage. Metadata payloads received since the last version count."""
    for exchange in plan.exchanges:
        key = {"exchange": exchange}
        known, tiers = stage.read(INSTRUMENTS, [key]), stage.read(TIERS, [key])
        received = _metadata_since(stage, exchange, known, plan.first_hour.date() - _UNSEEN_FOR)
        instruments = build("instruments", {"payloads": received, "instruments": known})
        if instruments.is_empty():
            continue
        stage.write(INSTRUMENTS, instruments, key)
        inputs = {"payloads": received, "instruments": instruments, "margin_tiers": tiers}
        stage.write(TIERS, build("margin_tiers", inputs), key)
    learnt = {PARAMETERS.name: stage.read(PARAMETERS, [{}])}
    stage.write(PARAMETERS, build("model_parameters", learnt, exchanges=sorted(ADAPTERS)), {})


def _metadata_since(stage: Store, exchange: str, known: pl.DataFrame, lately: date) -> pl.DataFrame:
    """Metadata payloads of the days from the newest version on, or `lately`: older ones have made the versions known.

    Their receipt counts from the start of its hour.
    """
    newest = known["valid_from_utc"].max()
    since = max(newest.date(), lately) if isinstance(newest, datetime) else date.min
    keys = [k for k in stage.keys(PAYLOADS, exchange=exchange) if str(k["date"]) >= since.isoformat()]
    found = [stage.read(PAYLOADS, [key]).filter(_METADATA) for key in keys]
    received = pl.concat(found) if found else PAYLOADS.empty()
    return received.with_columns(pl.col("received_at_utc").dt.truncate("1h"))


def normalise_days(stage: Store, plan: Plan, progress: Progress, late: Iterable[datetime] = ()) -> None:
    """Every core table of the days that the plan touches, and of earlier ones that were asked for again or came `late`.

    Bars and events of the hour up to midnight are of the day before.
    """
    again = {*left_out(stage, plan), *_hours_asked_again(stage, plan), *late}
    touched = sorted({*plan.dates, *(moment.date() for hour in again for moment in (hour - HOUR, hour))})
    progress.stage("normalise", len(touched), "days")
    for day in touched:
        normalise_day(stage, plan, day, plan.hours)
        progress.step(f"{day}")


def _hours_asked_again(stage: Store, plan: Plan) -> Iterator[datetime]:
    """Hours before the plan's that failed: collecting has asked for them again, perhaps with success."""
    since = plan.first_hour - LOOK_BACK
    failed = pl.col("exchange").is_in(plan.exchanges) & pl.col("reason").str.contains(FAILED)
    for day in days(since.date(), plan.first_hour.date()):
        gaps = stage.read(GAPS, stage.keys(GAPS, date=day), ["reason", "exchange", "hour_utc"])
        yield from gaps.filter(failed & (pl.col("hour_utc") >= since))["hour_utc"].to_list()


def normalise_day(stage: Store, plan: Plan, day: date, asked: Iterable[datetime]) -> None:
    """The core tables of the plan's coins on `day`, and gaps of its hours that are or were `asked` for.

    A reading at midnight was asked for the day before, so payloads of both days are read.
    """
    plan = replace(plan, exchanges=_asked_exchanges(stage, plan, day))
    keys = [{"exchange": e, "date": d} for e in plan.exchanges for d in (day - _DAY, day)]
    payloads = _payloads(stage, keys)
    listed = as_of(stage.read(INSTRUMENTS, stage.keys(INSTRUMENTS)), datetime.combine(day + _DAY, time()))
    instruments = _wanted(listed, plan)
    about = {"payloads": payloads, "instruments": instruments}
    bars = build("price_bars", about)
    made = {
        "price_bars": bars,
        "open_interest": build("open_interest", {**about, "price_bars": bars}),
        "positioning": build("positioning", {**about, "price_bars": bars}),
        "realised_liquidations": build("realised_liquidations", about),
        "realised_coverage": build("realised_coverage", about),
    }
    for name, frame in made.items():
        stage.write_partitions(table(name), frame.filter(pl.col("date") == day))
    _gaps(stage, plan, day, instruments, asked)


def _payloads(stage: Store, keys: list[dict[str, object]]) -> pl.DataFrame:
    """What was answered for these days. A month's file stands once for each day that it answers, cut to that day."""
    own = stage.read(PAYLOADS, keys).filter(~_METADATA & ~_OF_A_MONTH)
    whose, month = ["exchange", "endpoint", "instrument"], pl.col("window_start_utc").dt.truncate("1mo").alias("month")
    days = stage.read(FETCHES, keys).filter(IN_A_MONTH).select(*whose, *_WINDOW, month)
    if days.is_empty():
        return own
    homes = days.select("exchange", pl.col("month").dt.date().alias("date")).unique().sort("exchange", "date")
    files = stage.read(PAYLOADS, homes.to_dicts()).filter(_OF_A_MONTH).with_columns(month).drop(_WINDOW)
    return pl.concat([own, files.join(days, on=[*whose, "month"]).select(own.columns)])


def _asked_exchanges(stage: Store, plan: Plan, day: date) -> tuple[str, ...]:
    """The plan's venues, those that other runs asked, and those of imports: a day's tables hold them all."""
    told = {str(k["exchange"]) for t in (FETCHES, PAYLOADS) for d in (day - _DAY, day) for k in stage.keys(t, date=d)}
    return tuple(sorted(told | set(plan.exchanges)))


def _wanted(instruments: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    return instruments if plan.coins == ("all",) else instruments.filter(pl.col("coin").is_in(list(plan.coins)))


def _gaps(stage: Store, plan: Plan, day: date, instruments: pl.DataFrame, now_asked: Iterable[datetime]) -> None:
    """Gaps of the hours of `day` that were ever asked for, by whichever run, or that imports tell of."""
    of_day = [{"exchange": e, "date": d} for e in plan.exchanges for d in (day - _DAY, day)]
    asked = stage.read(FETCHES, of_day)
    imports = stage.read(PAYLOADS, of_day, ["endpoint", *_WINDOW]).filter(_HOURLY)
    wanted = _hours_asked(pl.concat([asked.filter(~_FILE).select(_WINDOW), imports.select(_WINDOW)]), now_asked, day)
    names = sorted(set(instruments["coin"].to_list())) if plan.coins == ("all",) else plan.coins
    for coin in names:
        keys = [{"coin": coin, "date": d} for d in (day - _DAY, day)]
        inputs = {
            "fetches": asked,
            "open_interest": stage.read(OPEN_INTEREST, keys),
            "price_bars": stage.read(BARS, keys),
            "instruments": instruments,
        }
        gaps = build("gaps", inputs, coin=coin, hours=wanted, exchanges=_expected(instruments, plan, coin))
        stage.write(GAPS, gaps, {"coin": coin, "date": day})


def _expected(instruments: pl.DataFrame, plan: Plan, coin: str) -> list[str]:
    """Venues that owe the coin: all when it was asked for by name, else those that list it or are not known yet."""
    known = set(instruments["exchange"].to_list())
    listing = set(instruments.filter(pl.col("coin") == coin)["exchange"].to_list())
    return [e for e in plan.exchanges if plan.coins != ("all",) or e in listing or e not in known]


def _hours_asked(windows: pl.DataFrame, now_asked: Iterable[datetime], day: date) -> list[datetime]:
    windows = windows.filter(pl.col("window_end_utc").is_not_null()).unique()
    covered = {h for start, end in windows.iter_rows() for h in hours(_ceil(start), end)}
    midnight = datetime.combine(day, time())
    return sorted(h for h in covered | set(now_asked) if midnight <= h < midnight + _DAY)


def _ceil(start: datetime) -> datetime:
    return start.replace(minute=0, second=0, microsecond=0) + HOUR
