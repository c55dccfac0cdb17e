"""Hours that a command line requests, at 2026-01-12 10:20."""

from __future__ import annotations

from datetime import datetime

import pytest

from warehouse.errors import UserError
from warehouse.time_range import hour_range

NOW = datetime(2026, 1, 12, 10, 20)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ({}, (12, 10), (12, 10)),
        ({"hour": "2026-01-12T00:00Z"}, (12, 0), (12, 0)),
        ({"hour": "2026-01-12T01:00+01:00"}, (12, 0), (12, 0)),
        ({"count": 24}, (11, 11), (12, 10)),
        ({"count": 2, "last": "2026-01-12T00:00Z"}, (11, 23), (12, 0)),
        ({"first": "2026-01-12T08:00Z"}, (12, 8), (12, 10)),
        ({"first": "2026-01-11T00:00Z", "last": "2026-01-12T00:00Z"}, (11, 0), (12, 0)),
    ],
)
def test_options_give_first_and_last_hour(asked: dict[str, str], first: tuple[int, int], last: tuple[int, int]) -> None:
    assert hour_range(NOW, **asked) == (datetime(2026, 1, *first), datetime(2026, 1, *last))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"hour": "2026-01-12T11:00Z"}, "the last full hour is 2026-01-12T10:00Z"),
        ({"first": "2026-01-12T11:00Z"}, "in the future"),
        ({"first": "2026-01-12T00:00Z", "last": "2026-01-12T11:00Z"}, "in the future"),
        ({"first": "2026-01-12T02:00Z", "last": "2026-01-12T01:00Z"}, "swap them"),
        ({"hour": "2026-01-12T00:00Z", "count": 3}, "leave out"),
        ({"first": "2026-01-12T00:00Z", "count": 3}, "leave one out"),
        ({"last": "2026-01-12T00:00Z"}, "add --from"),
        ({"hour": "midnight"}, "'midnight' is not a time"),
        ({"hour": "2026-01-12T00:30Z"}, "not a full hour"),
        ({"hour": "noon"}, "2026-01-12T00:00Z"),
    ],
)
def test_invalid_range_is_refused(asked: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        hour_range(NOW, **asked)
