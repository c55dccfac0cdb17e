"""Which hour a run is for."""

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
def test_the_hour(airflow_home: Path, logical_date: datetime | None, frozen: datetime | None, hour: datetime) -> None:
    from dags.plan import hour_of

    assert hour_of(logical_date, DUE, frozen) == hour


def test_an_instant_without_a_zone_is_refused(airflow_home: Path) -> None:
    from dags.plan import hour_of
    from warehouse.errors import UserError

    with pytest.raises(UserError, match="time zone"):
        hour_of(datetime(2026, 1, 12, 5), DUE)
