"""Shared parts of the DAGs: the hour of a run, the plan of a backfill, the verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

HOUR = datetime(2026, 1, 12, 5)
DUE = datetime(2026, 1, 12, 8, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("logical_date", "frozen", "hour"),
    [
        pytest.param(datetime(2026, 1, 12, 5, 3, tzinfo=UTC), None, HOUR, id="scheduled"),
        pytest.param(datetime(2026, 1, 12, 5, 59, 59, 999999, tzinfo=UTC), None, HOUR, id="late"),
        pytest.param(datetime(2026, 1, 12, 5, tzinfo=UTC), None, HOUR, id="manual, on the hour"),
        pytest.param(
            datetime(2026, 1, 12, 10, 33, tzinfo=timezone(timedelta(hours=5, minutes=30))), None, HOUR, id="zoned"
        ),
        pytest.param(None, None, datetime(2026, 1, 12, 8), id="without a date: when it became due"),
        pytest.param(None, datetime(2026, 1, 12, 5, 30), HOUR, id="without a date, in a replay"),
        pytest.param(
            datetime(2026, 1, 12, 5, 3, tzinfo=UTC),
            datetime(2026, 1, 12, 7, 30),
            HOUR,
            id="a date wins over the frozen clock",
        ),
    ],
)
def test_hour_follows_the_logical_date(
    airflow_home: Path, logical_date: datetime | None, frozen: datetime | None, hour: datetime
) -> None:
    from dags.tasks import hour_of

    assert hour_of(logical_date, DUE, frozen) == hour


RANGE = {
    "from": "2026-01-11T23:00:00Z",
    "to": "2026-01-12T04:00:00Z",
    "coins": "btc",
    "exchanges": "",
    "rebuild": False,
}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"to": "2026-01-12T06:00:00Z"}, "in the future; the last full hour is 2026-01-12T05:00Z"),
        ({"from": "2026-01-12T05:00:00Z"}, "is after"),
        ({"exchanges": "kraken"}, "unknown exchange kraken"),
    ],
)
def test_invalid_backfill_is_refused(
    airflow_home: Path, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str], said: str
) -> None:
    from dags.tasks import of_range
    from warehouse.errors import UserError

    monkeypatch.setenv("LIQ_NOW", "2026-01-12T05:10Z")
    with pytest.raises(UserError, match=said):
        of_range(RANGE | asked)


def test_backfill_parameters_override_settings(airflow_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dags.tasks import of_range

    monkeypatch.setenv("LIQ_NOW", "2026-01-12T05:10Z")
    monkeypatch.setenv("LIQ_COINS", "SOL")
    plan = of_range(RANGE)
    assert (plan.first_hour, plan.last_hour) == (datetime(2026, 1, 11, 23), datetime(2026, 1, 12, 4))
    assert (plan.coins, plan.exchanges) == (("BTC",), ("binance", "bybit", "okx"))
    assert (plan.retry_failed, plan.again) == (False, False)
    assert of_range(RANGE | {"rebuild": True}).again
    assert of_range(RANGE | {"coins": "", "exchanges": "okx"}).coins == ("SOL",)
    assert of_range(RANGE | {"exchanges": "okx"}).exchanges == ("okx",)


def test_quarantined_partitions_are_named(airflow_home: Path) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from dags.tasks import refuse_quarantined

    refuse_quarantined({"quarantined": []})
    with pytest.raises(AirflowFailException, match=r"quarantined: mart\.sweeps coin=BTC too many; core\.gaps  late"):
        refuse_quarantined({"quarantined": [["mart.sweeps", "coin=BTC", "too many"], ["core.gaps", "", "late"]]})
