"""ops.gaps: requested hours that are missing, carried or derived, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time

import polars as pl

from expectations.tables import table
from transforms.estimation.inputs import TRUSTED_FOR
from transforms.exchanges import adapter
from transforms.exchanges.imported import endpoint
from transforms.hourly.hours import DAY, HOUR, hour_of, hour_of_bar

TABLE = table("gaps")
ANSWERED = "the exchange answered"
"""Prefix of the reason if no request failed: the exchange has no data for the hour."""

FAILED = r"^([a-z_]+: |not asked)"
"""Pattern of the reason if a request failed (it starts with the outcome) or was never sent: worth a retry."""

_SERIES = {"open_interest": "open_interest", "price_bars": "mark_bars", "traded_volume": "trade_bars"}
_WINDOW = ["window_start_utc", "window_end_utc"]
_HOURLY = pl.col("endpoint").is_in([endpoint(s) for s in ("open_interest", "mark_bars", "trade_bars")])
_KEY = ["exchange", "instrument", "hour_utc"]


def build(
    fetches: pl.DataFrame,
    payloads: pl.DataFrame,
    open_interest: pl.DataFrame,
    price_bars: pl.DataFrame,
    instruments: pl.DataFrame,
    *,
    coin: str,
    day: date,
    exchanges: Sequence[str],
) -> pl.DataFrame:
    """Return one coin's gaps among the hours of `day` that were requested or that imports cover.

    exchanges: the exchanges expected to list the coin. An exchange without known contracts has a gap in every series.
    """
    listed = instruments.filter(pl.col("coin") == coin).select("exchange", "instrument").unique()
    hours = pl.Series("hour_utc", _requested_hours(fetches, payloads, day), dtype=TABLE.schema["hour_utc"]).to_frame()
    contacted = {*fetches["exchange"], *payloads["exchange"]}
    exchanges = [e for e in exchanges if e in contacted]
    expected = listed.filter(pl.col("exchange").is_in(exchanges)).join(hours, how="cross")
    unknown = pl.DataFrame(
        {"exchange": [e for e in exchanges if e not in listed["exchange"]]}, schema={"exchange": pl.String}
    )
    parts = [
        _find_missing(expected, _open_interest_hours(open_interest), "open_interest", fetches),
        _find_missing(expected, _hours_with_bars(price_bars), "price_bars", fetches),
        _find_missing(
            expected.join(_hours_with_bars(price_bars), on=_KEY, how="semi"),
            _hours_with_volume(price_bars),
            "traded_volume",
            fetches,
        ),
        _find_carried(expected, open_interest),
        _find_derived(
            expected,
            price_bars.filter(pl.col("price_kind") == "trade"),
            "price_bars",
            "no mark bars; trade bars are used instead",
        ),
        _find_unlisted(unknown.join(hours, how="cross"), fetches, coin),
    ]
    # An hour that is both missing and derived counts as missing, so missing rows come first in `parts`.
    once = pl.concat(parts, how="diagonal").unique([*_KEY, "series"], keep="first", maintain_order=True)
    rows = once.with_columns(pl.lit(coin).alias("coin"), pl.col("hour_utc").dt.date().alias("date"))
    return TABLE.conform(rows.select(list(TABLE.schema)))


def _requested_hours(fetches: pl.DataFrame, payloads: pl.DataFrame, day: date) -> list[datetime]:
    """Return the hours of a day within requested or imported windows.

    Archive requests are left out: a file holds a whole day, whichever hours were requested.
    """
    own = fetches.filter(~pl.col("endpoint").str.starts_with("archive_"))
    windows = pl.concat([each.select(_WINDOW) for each in (own, payloads.filter(_HOURLY))]).drop_nulls().unique()
    midnight = datetime.combine(day, time())
    hours = [midnight + i * HOUR for i in range(24)]
    return [hour for hour in hours if any(start < hour <= end for start, end in windows.iter_rows())]


def _open_interest_hours(open_interest: pl.DataFrame) -> pl.DataFrame:
    """Return hours with a reading of open interest recent enough for their end, and the time of that reading."""
    hour = hour_of(pl.col("time_utc"))
    trusted = open_interest.with_columns(hour).filter(pl.col("hour_utc") - pl.col("time_utc") <= TRUSTED_FOR)
    return trusted.group_by(_KEY).agg(pl.col("time_utc").max())


def _find_carried(expected: pl.DataFrame, open_interest: pl.DataFrame) -> pl.DataFrame:
    """Return hours with no reading of open interest at their end and an earlier one that is carried."""
    known = expected.join(_open_interest_hours(open_interest), on=_KEY, maintain_order="left")
    earlier = known.filter(pl.col("time_utc") < pl.col("hour_utc"))
    reason = pl.lit("no reading at the end of the hour; carried from ") + pl.col("time_utc").dt.to_string("%H:%M:%S")
    return earlier.select(
        *_KEY, pl.lit("open_interest").alias("series"), pl.lit("carried").alias("state"), reason.alias("reason")
    )


def _hours_with_bars(price_bars: pl.DataFrame) -> pl.DataFrame:
    """Return hours that have their last bar."""
    end = pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes"))
    return price_bars.with_columns(end.alias("hour_utc")).filter(end == end.dt.truncate("1h")).select(_KEY).unique()


def _hours_with_volume(price_bars: pl.DataFrame) -> pl.DataFrame:
    """Return hours in which every bar has a volume; without it the estimator cannot open positions."""
    hour = hour_of_bar()
    complete = price_bars.with_columns(hour).group_by(_KEY).agg(pl.col("volume_base").is_not_null().all())
    return complete.filter("volume_base").select(_KEY)


def _find_missing(expected: pl.DataFrame, present: pl.DataFrame, series: str, fetches: pl.DataFrame) -> pl.DataFrame:
    absent = expected.join(present, on=_KEY, how="anti")
    rows = absent.with_columns(pl.lit(series).alias("series"), pl.lit("missing").alias("state"))
    return rows.with_columns(pl.lit("").alias("reason")) if rows.is_empty() else _with_reasons(rows, series, fetches)


def _with_reasons(absent: pl.DataFrame, series: str, fetches: pl.DataFrame) -> pl.DataFrame:
    """Add the reason of each hour: the first failed request for it, sent for that day or the day before."""
    hour, day = pl.col("hour_utc"), pl.col("hour_utc").dt.date()
    sent = fetches.filter(_serves(series, absent["exchange"].unique().to_list())).select(
        *("exchange", "instrument", "date", "window_start_utc", "window_end_utc"),
        pl.when(pl.col("outcome") != "ok").then(pl.col("outcome") + ": " + pl.col("reason")).alias("failure"),
    )
    requests = absent.join(sent, on=["exchange", "instrument"], maintain_order="left_right").filter(
        (pl.col("window_start_utc") < hour)
        & (pl.col("window_end_utc") > hour - HOUR)
        & pl.col("date").is_between(day - DAY, day)
    )
    reasons = requests.group_by(_KEY, maintain_order=True).agg(
        pl.col("failure").drop_nulls().first().fill_null(f"{ANSWERED} without data for this hour").alias("reason")
    )
    explained = absent.join(reasons, on=_KEY, how="left", maintain_order="left")
    return explained.with_columns(pl.col("reason").fill_null("not asked"))


def _serves(series: str, exchanges: Sequence[str]) -> pl.Expr:
    """Select the requests to endpoints that serve the series."""
    endpoints = [
        f"{exchange} {name}"
        for exchange in exchanges
        for name, served in adapter(exchange).ENDPOINTS.items()
        if _SERIES[series] in served
    ]
    return (pl.col("exchange") + " " + pl.col("endpoint")).is_in(endpoints)


def _find_derived(expected: pl.DataFrame, bars: pl.DataFrame, series: str, reason: str) -> pl.DataFrame:
    hour = hour_of_bar()
    hours = bars.with_columns(hour).select(_KEY).unique()
    return expected.join(hours, on=_KEY).with_columns(
        pl.lit(series).alias("series"), pl.lit("derived").alias("state"), pl.lit(reason).alias("reason")
    )


def _find_unlisted(exchanges: pl.DataFrame, fetches: pl.DataFrame, coin: str) -> pl.DataFrame:
    failures = fetches.filter((pl.col("endpoint") == "instruments") & (pl.col("outcome") != "ok"))
    reasons = {
        (exchange, day): reason
        for exchange, day, reason in failures.select(
            "exchange", "date", pl.col("outcome") + ": " + pl.col("reason")
        ).rows()
    }
    rows = []
    for exchange, hour in exchanges.select("exchange", "hour_utc").rows():
        failed = reasons.get((exchange, hour.date())) or reasons.get((exchange, hour.date() - DAY))
        reason = failed or f"{exchange} lists no {coin} perpetual settled in USDT"
        rows += [(exchange, "", hour, series, "missing", reason) for series in ("open_interest", "price_bars")]
    names = [*_KEY, "series", "state", "reason"]
    return pl.DataFrame(rows, schema={n: TABLE.schema[n] for n in names}, orient="row")
