"""Every check of every table fails on planted faults, and only in the partition with the fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import escape

import polars as pl
import pytest

from expectations.columns.kinds import EXCHANGES
from expectations.contract import Severity, Table
from expectations.dictionary import checks_of
from expectations.tables import load
from expectations.validation.counts import Count, count
from expectations.validation.messages import by_partition
from expectations.validation.rules import rules
from tests.expectations.faults import OWN, Fault, derived, put
from tests.expectations.sound import HOUR, ONE_HOUR, sound

TABLES = pytest.mark.parametrize("table", load().values(), ids=lambda t: t.name)


@pytest.fixture(scope="module")
def gx() -> object:
    """Return the module, imported once, since Great Expectations takes seconds to import."""
    from expectations.validation import gx

    return gx


def places(table: Table) -> int:
    """Return how many partitions fit side by side: one for a single-file table, else one per key value."""
    if not table.partition:
        return 1
    return len(EXCHANGES) if table.partition == ("exchange",) else 10_000


def placed(table: Table, frame: pl.DataFrame, place: int) -> pl.DataFrame:
    """Move the partition to its own key."""
    if "coin" in table.partition:
        return frame.with_columns(coin=pl.lit(f"C{place:03}"))
    if "date" in table.partition:
        return frame.with_columns(date=pl.col("date") + timedelta(days=place))
    if "table_name" in table.partition:
        return frame.with_columns(table_name=pl.lit(f"table_{place:03}"))
    return frame.with_columns(exchange=pl.lit(EXCHANGES[place])) if table.partition else frame


def batches(table: Table, faults: list[Fault]) -> Iterator[tuple[pl.DataFrame, dict[str, Fault | None]]]:
    """Yield rows with each fault in its own partition beside a sound one, and the fault of each partition.

    A single-file table takes one fault at a time.
    """
    room = places(table) - 1
    beside = (
        [[None, *faults[i : i + room]] for i in range(0, len(faults), room)]
        if room
        else [[None], *([f] for f in faults)]
    )
    for some in beside:
        at_home = (placed(table, sound(table.name), place) for place in range(len(some)))
        frames = [fault.breaks(frame) if fault else frame for fault, frame in zip(some, at_home, strict=True)]
        labels = [next(iter(by_partition(table, frame))) for frame in frames]
        yield pl.concat(frames), dict(zip(labels, some, strict=True))


def failures(results: list) -> dict[str, set[str]]:
    """Return the failed checks of each partition."""
    failed: dict[str, set[str]] = {r.partition: set() for r in results}
    for r in results:
        if not r.passed:
            failed[r.partition].add(r.check_name)
    return failed


@TABLES
def test_each_fault_trips_its_check_in_its_partition_only(gx, table: Table) -> None:
    faults = [*derived(table), *OWN[table.name]]
    for frame, planted in batches(table, faults):
        results = gx.validate(table, frame)
        failed = failures(results)
        assert set(failed) == set(planted)
        for label, fault in planted.items():
            check, also, what = (fault.check, fault.also, fault.what) if fault else ("", frozenset(), "sound")
            tripped = failed[label]
            assert not fault or check in tripped, f"{check} ({what}) went unnoticed; {tripped or 'nothing'} was tripped"
            assert tripped <= {check, *also}, f"{check} ({what}) also tripped {tripped}"
        assert {r.check_name for r in results} == {r.check for r in rules(table)}
        assert all(r.failing_rows > 0 and table.full_name in r.reason for r in results if not r.passed)
        assert all(r.failing_rows == 0 and r.reason == "" for r in results if r.passed)
        assert all("\n" not in r.reason for r in results)


@TABLES
def test_every_check_has_a_planted_fault(table: Table) -> None:
    assert {f.check for f in OWN[table.name]} == {c.name for c in table.checks}
    elsewhere = {"columns", "types", "not_empty"}
    assert {f.check for f in derived(table)} == {r.check for r in rules(table)} - elsewhere - {
        c.name for c in table.checks
    }


@TABLES
def test_every_column_rule_has_a_planted_fault(table: Table) -> None:
    planted = {(f.check, f.what.split("=")[0]) for f in derived(table)}
    per_column = {"not_null", "in_range", "allowed_values", "matches_pattern", "finite"}
    assert {(r.check, c) for r in rules(table) if r.check in per_column for c in r.columns} <= planted


@TABLES
def test_wrong_types_are_refused_by_column(gx, table: Table) -> None:
    others = {pl.Float64: pl.Float32, pl.Int64: pl.Int32, pl.Int32: pl.Int64, pl.String: pl.Binary}
    others |= {pl.Binary: pl.String, pl.Boolean: pl.Int64, pl.Date: pl.Datetime("us"), pl.Datetime: pl.Datetime("us")}
    frame = sound(table.name)
    wrong = frame.with_columns(pl.col(c).cast(others[frame.schema[c].base_type()]) for c in frame.columns)
    results = gx.validate(table, wrong)
    (refused,) = [r for r in results if not r.passed]
    assert refused.check_name == "types"
    assert refused.failing_rows == frame.height
    assert [c for c in frame.columns if f"`{c}`" not in refused.reason] == []


@TABLES
def test_missing_column_is_named(gx, table: Table) -> None:
    last = table.columns[-1].name
    (refused,) = [r for r in gx.validate(table, sound(table.name).drop(last)) if not r.passed]
    assert refused.check_name == "columns"
    assert f"Missing: {last}; foreign: none." in refused.reason


def test_foreign_column_is_named(gx) -> None:
    frame = sound("market_balance").with_columns(guess=pl.lit(1))
    (refused,) = [r for r in gx.validate(load()["market_balance"], frame) if not r.passed]
    assert refused.check_name == "columns"
    assert "Missing: none; foreign: guess." in refused.reason


def test_missing_partition_columns_leave_one_label(gx) -> None:
    table = load()["market_balance"]
    assert failures(gx.validate(table, sound(table.name).drop("coin", "date"))) == {"": {"columns"}}


def test_wrong_column_order_is_refused(gx) -> None:
    table = load()["market_balance"]
    frame = sound(table.name).select(reversed(table.schema.names()))
    assert failures(gx.validate(table, frame)) == {"coin=BTC/date=2026-01-05": {"columns"}}


@TABLES
def test_empty_partition_fails_unless_allowed(gx, table: Table) -> None:
    (known,) = by_partition(table, sound(table.name))
    expected = set() if table.may_be_empty else {"not_empty"}
    assert failures(gx.validate(table, table.empty(), partitions=[known])) == {known: expected}


def test_empty_frame_without_partitions_fails(gx) -> None:
    table = load()["price_bars"]
    assert failures(gx.validate(table, table.empty())) == {"": {"not_empty"}}


def test_missing_partition_fails_beside_others(gx) -> None:
    table = load()["price_bars"]
    known, absent = "coin=BTC/date=2026-01-05", "coin=ETH/date=2026-01-05"
    failed = failures(gx.validate(table, sound(table.name), partitions=[known, absent]))
    assert failed == {known: set(), absent: {"not_empty"}}


@pytest.mark.parametrize(
    "table",
    [t for t in load().values() if t.fresh_within_hours is not None and "date" in t.partition],
    ids=lambda t: t.name,
)
def test_freshness_applies_to_each_coins_newest_partition(gx, table: Table) -> None:
    time = table.time_column or ""
    today = sound(table.name)
    back = pl.duration(days=1)
    yesterday = today.with_columns(pl.col(time) - back, date=pl.col("date") - back)
    eth = put(pl.lit(True), coin="ETH")(yesterday)
    newest = today[time].max()
    within = timedelta(hours=table.fresh_within_hours or 0)
    staged = pl.concat([today, yesterday, eth])
    results = gx.validate(table, staged, expected_time=newest + within)
    assert failures(results) == {
        "coin=BTC/date=2026-01-05": set(), "coin=BTC/date=2026-01-04": set(), "coin=ETH/date=2026-01-04": {"fresh"}
    }  # fmt: skip
    severity = "FAIL" if table.fresh_within_hours == 0 else "WARN"
    assert {r.severity for r in results if r.check_name == "fresh"} == {severity}
    late = gx.validate(table, today, expected_time=newest + within + timedelta(minutes=1))
    assert failures(late) == {"coin=BTC/date=2026-01-05": {"fresh"}}


def test_older_month_is_not_stale(gx) -> None:
    table, back = load()["market_summary"], pl.duration(days=31)
    now = sound(table.name)
    before = now.with_columns(pl.col("hour_utc") - back, date=pl.col("date") - back, month=pl.lit("2025-12"))
    gone = now.with_columns(coin=pl.lit("ETH"), hour_utc=pl.col("hour_utc") - pl.duration(hours=1))
    failed = failures(gx.validate(table, pl.concat([before, now, gone]), expected_time=now["hour_utc"].max()))
    assert failed == {
        "coin=BTC/month=2025-12": set(), "coin=BTC/month=2026-01": set(), "coin=ETH/month=2026-01": {"fresh"}
    }  # fmt: skip


def test_warning_has_severity_warn(gx) -> None:
    table = load()["open_interest"]
    frame = put(open_interest_usd=840_000.0)(sound(table.name))
    (warned,) = [r for r in gx.validate(table, frame) if not r.passed]
    assert (warned.check_name, warned.severity) == ("value_within_2pct_of_mark", "WARN")


def test_reason_states_rule_count_and_example(gx) -> None:
    table = load()["price_bars"]
    (refused,) = [r for r in gx.validate(table, put(1, taker_buy_base=10.5)(sound(table.name))) if not r.passed]
    assert refused.reason == (
        "core.price_bars.taker_buys_within_volume: Taker buys cannot exceed the volume; if they do, contracts, coins "
        "or dollars were mixed up. 1 of 2 rows fail, the first: exchange=binance, instrument=BTCUSDT, "
        "open_utc=2026-01-05T01:05:00, volume_base=10, taker_buy_base=10.5."
    )


@TABLES
def test_suite_equals_the_contract(gx, table: Table) -> None:
    suite = gx.suite(table)
    assert suite.name == table.full_name
    asked = {e.meta["check"]: e for e in suite.expectations}
    demanded = {r.check: r.severity for r in rules(table, expected_time=HOUR)}
    severities = {"FAIL": "critical", "WARN": "warning"}
    assert {check: e.severity for check, e in asked.items()} == {c: severities[s] for c, s in demanded.items()}
    assert {c.name: c.reason for c in table.checks}.items() <= {check: e.notes for check, e in asked.items()}.items()
    assert all(e.column == check and e.notes.endswith(".") for check, e in asked.items())


def of(severity: Severity, failing_rows: int | None = 0) -> Count:
    reason = "core.price_bars.c: It is wrong." if failing_rows else ""
    return Count("price_bars", "coin=BTC", "c", severity, 9, failing_rows, reason)  # type: ignore[arg-type]


def test_count_passes_only_without_failing_rows(gx) -> None:
    counts = [of("FAIL"), of("FAIL", 3), of("WARN", 1), of("WARN"), of("FAIL")]
    results = gx.decide(counts)
    assert [r.passed for r in results] == [True, False, False, True, True]
    assert [(r.severity, r.failing_rows, r.reason) for r in results] == [
        (c.severity, c.failing_rows, c.reason) for c in counts
    ]


def test_no_counts_give_no_results(gx) -> None:
    assert gx.decide([]) == []


def test_severity_without_expectation_does_not_pass(gx, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = gx.gate()
    silent.expectations = [e for e in silent.expectations if e.severity == "critical"]
    monkeypatch.setattr(gx, "gate", lambda: silent)
    critical, warning = gx.decide([of("FAIL"), of("WARN")])
    assert critical.passed
    assert not warning.passed
    assert warning.reason == "price_bars.c: Great Expectations did not confirm that it holds."


def test_raising_expectation_does_not_pass(gx, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = gx.gate()
    for expectation in wrong.expectations:
        expectation.column = "nowhere"
    monkeypatch.setattr(gx, "gate", lambda: wrong)
    assert not any(r.passed for r in gx.decide([of("FAIL"), of("WARN")]))


def test_missing_count_does_not_pass(gx) -> None:
    assert [r.passed for r in gx.decide([of("FAIL", None), of("WARN")])] == [False, True]


def test_run_is_validated_once(gx, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    gate = gx.gate()
    monkeypatch.setattr(gx, "gate", lambda: calls.append(1) or gate)
    assert len(gx.decide([c for table in load().values() for c in count(table, sound(table.name))])) > 300
    assert calls == [1]


@TABLES
def test_page_shows_the_decisions(gx, table: Table) -> None:
    spoiled = [f for f, _ in batches(table, [*derived(table), *OWN[table.name]])]
    for frame in (spoiled[-1], sound(table.name)):
        counts = count(table, frame)
        shown = {r.expectation_config.meta["check"]: r.success for r in gx.document(table, counts).results}
        failed = {r.check_name for r in gx.decide(counts) if not r.passed}
        assert shown == {c.check_name: c.check_name not in failed for c in counts}


def test_pages_show_counts_reasons_and_examples(gx) -> None:
    contract = load()["open_interest"]
    off = put(open_interest_usd=840_000.0)(placed(contract, sound("open_interest"), 7))
    counts = count(contract, pl.concat([sound("open_interest"), off])) + count(load()["gaps"], sound("gaps"))
    pages = gx.docs(counts)
    assert set(pages) == {"index.html", "core.open_interest.html", "ops.gaps.html"}
    assert all(f'href="{name}"' in pages["index.html"] for name in pages)
    page = " ".join(re.sub(r"<[^>]+>", " ", pages["core.open_interest.html"]).split())
    (wrong,) = [c for c in counts if c.failing_rows]
    assert f"{wrong.partition} 1 2 {wrong.reason}" in page
    asked = [f"{severity}: {escape(reason)}" for check, severity, reason in checks_of(contract) if check != "fresh"]
    assert [words for words in asked if words not in page] == []
    assert "Status: Failed" in page
    assert "Status: Succeeded" in " ".join(re.sub(r"<[^>]+>", " ", pages["ops.gaps.html"]).split())


def test_pages_load_nothing_and_run_no_scripts(gx) -> None:
    spoiled = put(instrument="<script>alert(1)</script>", open_interest_usd=1.0)(sound("open_interest"))
    pages = gx.docs(count(load()["open_interest"], spoiled))
    assert "&lt;script&gt;alert(1)" in pages["core.open_interest.html"]
    for page in pages.values():
        assert not re.search(r"<(script|link|img|iframe)\b|\bsrc=|@import|url\(", page)
        links = set(re.findall(r'href="([^"#]+)"', page)) - {"https://greatexpectations.io"}
        assert links <= set(pages)


def test_validation_prints_and_writes_nothing(gx, capfd: pytest.CaptureFixture[str], tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    gx.validate(load()["gaps"], sound("gaps"), expected_time=HOUR + ONE_HOUR)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []
