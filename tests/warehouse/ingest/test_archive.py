"""Binance's archive through the client: stored payloads and the tables built from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from expectations.tables import table
from tests.warehouse.trial import NOW
from transforms.exchanges.binance import adapter as binance
from transforms.exchanges.binance import archive as binance_archive
from transforms.exchanges.protocol import Instrument, Request
from transforms.tables import fetches, payloads
from warehouse.clock import to_ms
from warehouse.ingest.client import ExchangeClient, Fetched
from warehouse.pipeline.build import build
from warehouse.simulator import Fault, Simulation

LISTED = [Instrument("binance", name, coin) for name, coin in (("BTCUSDT", "BTC"), ("1000PEPEUSDT", "PEPE"))]
DAY = timedelta(days=1)
LAST_WEEK = datetime(2026, 11, 13)
YESTERDAY = datetime(2026, 11, 19)


@pytest.fixture
def client(exchanges: Simulation) -> Iterator[ExchangeClient]:
    budgets = [replace(each, capacity=1000 * each.capacity) for each in binance.BUDGETS]
    with ExchangeClient(
        dict.fromkeys(binance.HOSTS, exchanges.url), budgets, clock=lambda: to_ms(NOW), sleep=lambda _: None
    ) as made:
        yield made


def archived(day: datetime, instruments: list[Instrument] = LISTED) -> list[Request]:
    return binance_archive.files(instruments, to_ms(day), to_ms(day + DAY), now_ms=to_ms(NOW))


def asked(client: ExchangeClient, requests: list[Request]) -> list[Fetched]:
    return list(client.fetch(requests, binance))


def stored(fetched: list[Fetched]) -> pl.DataFrame:
    return payloads.build([(f.request, at, r) for f in fetched for at, r in f.responses], source="simulated")


def outcome(fetched: Fetched) -> dict[str, object]:
    """Return the columns of a fetch that the gaps table reads."""
    request = fetched.request
    about = {"exchange": request.exchange, "endpoint": request.endpoint, "request": request.key}
    about |= {"instrument": request.instrument, "outcome": fetched.outcome, "reason": fetched.reason}
    window = {"window_start_utc": request.start_ms, "window_end_utc": request.end_ms, "sent_at_utc": fetched.sent_ms}
    return about | window


def noted(day: datetime) -> dict[str, object]:
    """Return the collector's log row for a day covered by archive files."""
    about = {"exchange": "binance", "endpoint": "hours", "request": "GET ", "outcome": "not_asked", "reason": "files"}
    window = {
        "window_start_utc": to_ms(day),
        "window_end_utc": to_ms(day + DAY - timedelta(hours=1)),
        "sent_at_utc": to_ms(day),
    }
    return about | window


def tables(came: pl.DataFrame, instruments: pl.DataFrame, day: datetime) -> dict[str, pl.DataFrame]:
    about = {"payloads": came, "instruments": instruments}
    about |= {"price_bars": build("price_bars", about)}
    made = {"price_bars": about["price_bars"]}
    made |= {name: build(name, about) for name in ("open_interest", "positioning")}
    return {name: frame.filter(pl.col("date") == day.date()) for name, frame in made.items()}


@pytest.fixture
def instruments(client: ExchangeClient) -> pl.DataFrame:
    listing = [each for each in binance.metadata(None) if each.endpoint == "instruments"]
    return build(
        "instruments", {"payloads": stored(asked(client, listing)), "instruments": table("instruments").empty()}
    )


@pytest.mark.parametrize("day", [LAST_WEEK, YESTERDAY])
def test_archive_day_equals_rest_day(client: ExchangeClient, instruments: pl.DataFrame, day: datetime) -> None:
    files = asked(client, archived(day))
    assert {f.outcome for f in files} == {"ok"}
    assert len(files) == 2 * len(archived(day))  # each with its checksum
    rest = asked(client, binance.history(LISTED, to_ms(day), to_ms(day + DAY)))
    from_files, from_rest = (tables(stored(each), instruments, day) for each in (files, rest))
    for name in ("open_interest", "price_bars"):
        keys = ["instrument", "time_utc" if name == "open_interest" else "open_utc"]
        assert_frame_equal(from_files[name].sort(keys), from_rest[name].sort(keys), check_exact=True)
        assert len(from_files[name]) == 2 * (287 if name == "open_interest" else 288)  # midnight is the next day
    ratios = from_rest["positioning"].drop("funding_rate").filter(pl.col("long_account_share").is_not_null())
    keys = ["instrument", "time_utc"]
    came = from_files["positioning"].drop("funding_rate")
    assert_frame_equal(came.sort(keys), ratios.sort(keys), check_exact=False, abs_tol=1e-4)


def test_monthly_file_equals_daily_files(client: ExchangeClient, instruments: pl.DataFrame) -> None:
    first, end = datetime(2026, 10, 1), datetime(2026, 11, 1)
    files = binance_archive.files(LISTED, to_ms(first), to_ms(end), now_ms=to_ms(NOW), bar_minutes=60)
    days = [each for each in files if each.endpoint in binance_archive.KLINES]
    months = list(dict.fromkeys(month for each in days if (month := binance.monthly_file(each, now_ms=to_ms(NOW)))))
    assert (len(days), len(months)) == (2 * 2 * 31, 2 * 2)
    of_days, of_months = (
        build("price_bars", {"payloads": stored(asked(client, each)), "instruments": instruments})
        for each in (days, months)
    )
    assert len(of_months) == 2 * 31 * 24
    assert_frame_equal(of_months, of_days, check_row_order=False, check_exact=True)


def test_archive_and_rest_rows_are_deduplicated(client: ExchangeClient, instruments: pl.DataFrame) -> None:
    requests = archived(LAST_WEEK) + binance.history(LISTED, to_ms(LAST_WEEK), to_ms(LAST_WEEK + DAY))
    both = tables(stored(asked(client, requests)), instruments, LAST_WEEK)
    rest = tables(stored(asked(client, requests[len(archived(LAST_WEEK)) :])), instruments, LAST_WEEK)
    for name in ("open_interest", "price_bars"):
        keys = ["instrument", "time_utc" if name == "open_interest" else "open_utc"]
        assert_frame_equal(both[name].sort(keys), rest[name].sort(keys), check_exact=True)


def test_metrics_without_bars_have_origin_archive(client: ExchangeClient, instruments: pl.DataFrame) -> None:
    only = [each for each in archived(LAST_WEEK) if each.endpoint == "archive_metrics"]
    made = tables(stored(asked(client, only)), instruments, LAST_WEEK)
    assert set(made["open_interest"]["origin"]) == {"archive"}


def test_unpublished_file_is_requested_once(exchanges: Simulation, client: ExchangeClient) -> None:
    """Files appear at 04:00 of the next day."""
    today = datetime(2026, 11, 20)
    late = binance_archive.files(LISTED[:1], to_ms(today), to_ms(today + DAY), now_ms=to_ms(today + DAY))
    (only, *_) = asked(client, late[:1])
    assert (only.outcome, only.attempts, only.rows) == ("not_yet", 1, None)
    assert only.reason.startswith("HTTP 404: BTCUSDT-metrics-2026-11-20.zip.CHECKSUM is not published yet")
    assert len(exchanges.exchange.recent) == 1


def test_file_before_listing_is_not_found(client: ExchangeClient) -> None:
    (only,) = asked(client, archived(datetime(2019, 12, 1), LISTED[:1])[:1])
    assert (only.outcome, only.attempts) == ("not_found", 1)
    assert "it will not come" in only.reason


def test_truncated_file_is_retried(exchanges: Simulation, client: ExchangeClient) -> None:
    exchanges.faults.add(Fault("truncated", path=r"metrics.*\.zip\?", times=1))
    checksum, file = asked(client, archived(LAST_WEEK, LISTED[:1])[:1])
    assert (checksum.outcome, checksum.attempts, file.outcome, file.attempts) == ("ok", 1, "ok", 2)


def test_persistently_truncated_file_gives_no_rows(
    exchanges: Simulation, client: ExchangeClient, instruments: pl.DataFrame
) -> None:
    exchanges.faults.add(Fault("truncated", path=r"metrics.*\.zip\?"))
    fetched = asked(client, archived(LAST_WEEK, LISTED[:1]))
    (spoilt,) = [f for f in fetched if f.outcome != "ok"]
    assert (spoilt.outcome, spoilt.rows) == ("bad_payload", None)
    assert "the checksum says" in spoilt.reason
    made = tables(stored(fetched), instruments, LAST_WEEK)
    assert (len(made["open_interest"]), len(made["price_bars"])) == (0, 288)


def test_missing_bars_are_requested_from_rest(
    exchanges: Simulation, client: ExchangeClient, instruments: pl.DataFrame
) -> None:
    """The archive lacks whole weeks of daily mark files; REST has bars back to the listing."""
    day = datetime(2026, 10, 14)
    whole = tables(stored(asked(client, archived(day, LISTED[:1]))), instruments, day)
    exchanges.faults.add(Fault("404", path="daily/markPriceKlines"))
    fetched = asked(client, archived(day, LISTED[:1]))
    (missing,) = [f for f in fetched if f.outcome != "ok"]
    assert (missing.outcome, missing.request.endpoint) == ("not_found", "archive_mark_bars")
    fetched += asked(client, binance.fallback(missing.request))
    made = tables(stored(fetched), instruments, day)
    for name, frame in made.items():
        assert_frame_equal(frame, whole[name], check_row_order=False)


def test_gaps_hold_the_failure_reason(exchanges: Simulation, client: ExchangeClient, instruments: pl.DataFrame) -> None:
    exchanges.faults.add(Fault("truncated", path=r"metrics.*\.zip\?"))
    fetched = asked(client, archived(LAST_WEEK, LISTED[:1]))
    made = tables(stored(fetched), instruments, LAST_WEEK)
    gaps = build(
        "gaps",
        {
            "fetches": pl.concat([fetches.build(map(outcome, fetched)), fetches.build([noted(LAST_WEEK)])]),
            "payloads": stored(fetched),
            "instruments": instruments,
            **{name: made[name] for name in ("open_interest", "price_bars")},
        },
        coin="BTC",
        day=LAST_WEEK.date(),
        exchanges=["binance"],
    )
    assert set(gaps["series"]) == {"open_interest"}
    assert len(gaps) == 23
    assert gaps["reason"].str.starts_with("bad_payload: sha256 is ").all()
