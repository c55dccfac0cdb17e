"""Files stored more than once: the last complete edition counts."""

from __future__ import annotations

import polars as pl
import pytest

from tests.transforms.exchanges.archive import DAY, LATER, checksum_of, documented, file_of, zipped
from transforms.exchanges.protocol import Request, Response
from transforms.exchanges.replay import rows
from transforms.tables import payloads

MINUTE_MS = 60_000


def stored(*answers: tuple[Request, bytes]) -> pl.DataFrame:
    """Return payloads received in this order."""
    received = [LATER + number for number in range(len(answers))]
    return payloads.build(
        [(r, at, Response(200, {}, body, at)) for (r, body), at in zip(answers, received, strict=True)],
        source="simulated",
    )


def edition(text: str) -> tuple[Request, bytes]:
    asked = checksum_of("archive_metrics")
    body = zipped(asked, text)
    return file_of(asked, body), body


OLD = edition(documented("archive_metrics"))
NEW = edition(
    documented("archive_metrics").replace("20404.0", "20500.0").replace("2026-01-05 00:05", "2026-01-05 00:20")
)


def test_editions_of_a_file_have_different_keys() -> None:
    assert OLD[0].path == NEW[0].path
    assert OLD[0].key != NEW[0].key


@pytest.mark.parametrize(("answers", "counts"), [((OLD, NEW), NEW), ((NEW, OLD), OLD), ((OLD, OLD), OLD)])
def test_later_edition_replaces_the_older_completely(
    answers: tuple[tuple[Request, bytes], ...], counts: tuple[Request, bytes]
) -> None:
    for series in ("open_interest", "positioning"):
        came = rows(stored(*answers), series).drop("received_at_utc")
        assert came.equals(rows(stored(counts), series).drop("received_at_utc"))
        assert len(came) == 3


def test_truncated_edition_replaces_nothing() -> None:
    came = rows(stored(OLD, (NEW[0], NEW[1][:-40])), "open_interest")
    assert came["time_ms"].min() == DAY + 5 * MINUTE_MS


def test_checksum_is_verified_on_every_read() -> None:
    assert rows(stored((NEW[0], OLD[1])), "open_interest").is_empty()


def test_rows_can_carry_other_payload_columns() -> None:
    assert set(rows(stored(OLD), "open_interest", also=["request"])["request"]) == {OLD[0].key}
