"""Stored payloads to core tables, a day at a time, rebuilt whole from what was received."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta

import polars as pl

from expectations.tables import table
from transforms.exchanges import ADAPTERS
from transforms.exchanges.imported import endpoint
from transforms.slowly_changing import as_of
from transforms.tables.gaps import FAILED
from warehouse.answers import IN_A_MONTH
from warehouse.build import build
from warehouse.clock import HOUR, days
from warehouse.collect import LOOK_BACK, left_out
from warehouse.gaps import make_gaps
from warehouse.plan import Plan
from warehouse.progress import Progress
from warehouse.store import Store

PAYLOADS, FETCHES, GAPS = table("payloads"), table("fetches"), table("gaps")
INSTRUMENTS, TIERS, PARAMETERS = table("instruments"), table("margin_tiers"), table("model_parameters")
_DAY = timedelta(days=1)
_OF_A_MONTH = pl.col("endpoint").str.starts_with("archive_") & (
    pl.col("window_end_utc") - pl.col("window_start_utc") > _DAY
).fill_null(value=False)
_COIN_DAYS = 64  # normalised at a time: what one costs besides its rows is shared
_UNSEEN_FOR = timedelta(days=7)  # so long may metadata lie received and not made into versions
_METADATA = pl.col("endpoint").is_in(["instruments", "margin_tiers", endpoint("instruments")])


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
    core_tables(stage, plan, touched, plan.hours, progress)


def _hours_asked_again(stage: Store, plan: Plan) -> Iterator[datetime]:
    """Hours before the plan's that failed: collecting has asked for them again, perhaps with success."""
    if not plan.catches_up:
        return
    since = plan.first_hour - LOOK_BACK
    failed = pl.col("exchange").is_in(plan.exchanges) & pl.col("reason").str.contains(FAILED)
    for day in days(since.date(), plan.first_hour.date()):
        gaps = stage.read(GAPS, stage.keys(GAPS, date=day), ["reason", "exchange", "hour_utc"])
        yield from gaps.filter(failed & (pl.col("hour_utc") >= since))["hour_utc"].to_list()


def core_tables(
    stage: Store, plan: Plan, touched: Sequence[date], asked: Collection[datetime], progress: Progress
) -> None:
    """The core tables of the plan's coins on the days `touched`, and gaps of the hours that are or were `asked` for."""
    progress.stage("normalise", len(touched), "days")
    for together in _runs(stage, plan, touched):
        normalise_together(stage, plan, together, asked)
        progress.step(f"{together[-1]}", len(together))


def normalise_together(stage: Store, plan: Plan, together: Sequence[date], asked: Collection[datetime]) -> None:
    """The same for consecutive days on which the same contracts are known: each comes to what it would by itself.

    A reading at midnight was asked for the day before, so payloads of that day are read too.
    """
    venues = {day: _asked_exchanges(stage, plan, day) for day in (together[0] - _DAY, *together)}
    keys = [{"exchange": e, "date": day} for e in sorted(set().union(*venues.values())) for day in venues]
    payloads = _payloads(stage, keys)
    instruments = _listed(stage.read(INSTRUMENTS, stage.keys(INSTRUMENTS)), plan, together[-1])
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
        stage.write_partitions(table(name), frame.filter(pl.col("date").is_in(list(together))))
    make_gaps(stage, plan, venues, payloads, instruments, asked)


def _payloads(stage: Store, keys: list[dict[str, object]]) -> pl.DataFrame:
    """What was answered for these days. A month's file stands once for each day that it answers, cut to that day."""
    own = stage.read(PAYLOADS, keys).filter(~_METADATA & ~_OF_A_MONTH)
    whose, month = ["exchange", "endpoint", "instrument"], pl.col("window_start_utc").dt.truncate("1mo").alias("month")
    days = stage.read(FETCHES, keys).filter(IN_A_MONTH).select(*whose, "window_start_utc", "window_end_utc", month)
    if days.is_empty():
        return own
    homes = days.select("exchange", pl.col("month").dt.date().alias("date")).unique().sort("exchange", "date")
    files = (
        stage.read(PAYLOADS, homes.to_dicts())
        .filter(_OF_A_MONTH)
        .with_columns(month)
        .drop("window_start_utc", "window_end_utc")
    )
    return pl.concat([own, files.join(days, on=[*whose, "month"]).select(own.columns)])


def _runs(stage: Store, plan: Plan, touched: Sequence[date]) -> Iterator[list[date]]:
    """Consecutive days on which the same contracts are known, as many at a time as memory holds well."""
    versions = stage.read(INSTRUMENTS, stage.keys(INSTRUMENTS))
    known = [_listed(versions, plan, day) for day in touched]
    most = max(2, _COIN_DAYS // max(1, max((each["coin"].n_unique() for each in known), default=1)))
    together: list[date] = []
    for place, day in enumerate(touched):
        joins = together and day - together[-1] == _DAY and known[place].equals(known[place - 1])
        if together and (not joins or len(together) == most):
            yield together
            together = []
        together.append(day)
    if together:
        yield together


def _listed(versions: pl.DataFrame, plan: Plan, day: date) -> pl.DataFrame:
    """The plan's contracts, as they are known when `day` ends."""
    known = as_of(versions, datetime.combine(day + _DAY, time()))
    return known if plan.coins == ("all",) else known.filter(pl.col("coin").is_in(list(plan.coins)))


def _asked_exchanges(stage: Store, plan: Plan, day: date) -> list[str]:
    """The plan's venues, those that other runs asked, and those of imports: a day's tables hold them all."""
    return sorted(
        {str(k["exchange"]) for t in (FETCHES, PAYLOADS) for k in stage.keys(t, date=day)} | set(plan.exchanges)
    )
