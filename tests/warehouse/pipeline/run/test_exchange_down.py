"""One exchange fails: the others publish, and its hour is reported, carried forward and filled later."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from tests.warehouse.trial import MADE, A, Trial, differing
from transforms.hourly.hours import HOUR
from warehouse.simulator import Fault, Simulation
from warehouse.simulator.server.faults import parse_faults

B, C = A + HOUR, A + 2 * HOUR
OKX = "^/api/v5/"
SILENT = "closed port"
FAILURES: dict[str, tuple[str, str]] = {  # kind of fault: outcome, reason of the gap
    SILENT: ("unreachable", "no connection to okx"),
    "451": ("geo_blocked", "geo_blocked: "),
    "503": ("transient", "transient: "),
    "html": ("bad_payload", "bad_payload: "),
}


@pytest.fixture
def closed_port() -> Iterator[str]:
    with socket.socket() as taken:  # bound but not listening
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="module")
def unbroken(one_hour: Trial, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Return a warehouse of hours A to C with every exchange up."""
    made = one_hour.copied(tmp_path_factory.mktemp("unbroken") / "warehouse")
    made.run(B, C)
    return made


@pytest.mark.parametrize("failure", FAILURES)
def test_other_exchanges_publish_and_the_hour_is_filled_later(
    one_hour: Trial, unbroken: Trial, exchanges: Simulation, closed_port: str, tmp_path: Path, failure: str
) -> None:
    made = one_hour.copied(tmp_path / "warehouse")
    outcome, reason = FAILURES[failure]
    if failure != SILENT:
        exchanges.faults.add(*parse_faults([{"kind": failure, "path": OKX}]))
    summary = made.run(B, **({"okx_url": closed_port} if failure == SILENT else {}))
    assert (summary.status, summary.quarantined) == ("partial", [])
    assert set(summary.fetched["okx"]) == {outcome}
    assert set(summary.fetched["binance"]) == set(summary.fetched["bybit"]) == {"ok"}
    is_carried(made, reason)
    exchanges.faults.clear()
    assert made.run(C).status == "published"
    assert differing(unbroken.files(*MADE), made.files(*MADE)) == []
    assert made.leftovers() == []


def is_carried(made: Trial, reason: str) -> None:
    """Require that OKX's hour B is a gap and that its map of hour A is carried forward."""
    gaps = made.rows("gaps").filter((pl.col("exchange") == "okx") & (pl.col("hour_utc") == B))
    assert set(gaps.select("series", "state").rows()) == {("open_interest", "missing"), ("price_bars", "missing")}
    assert all(reason in why for why in gaps["reason"])
    stale = made.ask(
        "SELECT exchange, bool_and(is_stale) FROM mart.liquidation_levels WHERE hour_utc = "
        f"TIMESTAMP '{B}' GROUP BY exchange ORDER BY exchange"
    ).rows()
    assert stale == [("binance", False), ("bybit", False), ("okx", True)]
    amounts = made.rows("liquidation_levels").filter(pl.col("exchange") == "okx")
    then, now = (amounts.filter(pl.col("hour_utc") == hour)["notional_usd"].sum() for hour in (A, B))
    assert 0.95 * then < now <= then  # no opening is known, and some positions have closed
    balance = made.rows("market_balance").filter(pl.col("hour_utc") == B)
    assert balance["is_stale"].all()


def test_exchange_never_reached_is_a_gap_in_every_series(exchanges: Simulation, tmp_path: Path) -> None:
    exchanges.faults.add(Fault("451", path=OKX))
    made = Trial(tmp_path / "warehouse", exchanges.url)
    assert made.run(A).quarantined == []
    gaps = made.rows("gaps").filter(pl.col("exchange") == "okx")
    assert set(gaps.select("instrument", "series", "state").rows()) == {
        ("", "open_interest", "missing"),
        ("", "price_bars", "missing"),
    }
    assert all(why.startswith("geo_blocked: ") for why in gaps["reason"])
    assert set(made.rows("liquidation_levels")["exchange"]) == {"binance", "bybit"}
    exchanges.faults.clear()
    made.run(B)
    assert made.rows("gaps").filter(pl.col("state") == "missing").height == 0


@pytest.mark.parametrize("out", [datetime(2026, 11, 19, 22), datetime(2026, 11, 20)], ids=str)
def test_outage_over_midnight_is_filled(exchanges: Simulation, tmp_path: Path, out: datetime) -> None:
    back = datetime(2026, 11, 20, 3)
    made = Trial(tmp_path / "warehouse", exchanges.url)
    made.run(out - HOUR)
    unbroken = made.copied(tmp_path / "unbroken")
    unbroken.run(out, back)
    exchanges.faults.add(Fault("451", path=OKX))
    made.run(out, back - HOUR)
    exchanges.faults.clear()
    made.run(back)
    assert made.rows("gaps").filter(pl.col("state") == "missing").is_empty()
    assert differing(unbroken.files(*MADE), made.files(*MADE)) == []
