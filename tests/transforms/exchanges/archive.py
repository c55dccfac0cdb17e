"""Hand-made archive files: a table as text, its zip, and the edition that a checksum names."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tests.transforms.exchanges.conftest import PAYLOADS
from transforms.exchanges.binance import adapter as binance
from transforms.exchanges.binance import archive as binance_archive
from transforms.exchanges.protocol import Instrument, Request, Response, Row

BTC = Instrument("binance", "BTCUSDT", "BTC")
DAY_MS = 86_400_000
DAY = 1_767_571_200_000
"""2026-01-05, the day of the documented files, in ms."""
LATER = DAY + 30 * DAY_MS


def ms(spelt: str) -> int:
    return int(datetime.fromisoformat(spelt).replace(tzinfo=UTC).timestamp()) * 1000


def documented(endpoint: str) -> str:
    return (PAYLOADS / "binance" / f"{endpoint}.csv").read_text()


def checksum_of(endpoint: str, day_ms: int = DAY) -> Request:
    """Return the request for the checksum of a day's file."""
    asked = binance_archive.files([BTC], day_ms, day_ms + DAY_MS, now_ms=day_ms + 2 * DAY_MS)
    (found,) = [each for each in asked if each.endpoint == endpoint]
    return found


def file_of(request: Request, body: bytes) -> Request:
    """Return the request for the edition with content `body`."""
    name = request.path.rpartition("/")[2].removesuffix(".CHECKSUM")
    said = f"{hashlib.sha256(body).hexdigest()}  {name}\n"
    following = binance.next_page(request, Response(200, {}, said.encode(), LATER))
    assert following is not None
    return following


def zipped(request: Request, text: str, inside: str | None = None) -> bytes:
    name = request.path.rpartition("/")[2].partition(".zip")[0] + ".csv"
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(inside or name), text)
    return body.getvalue()


def read(endpoint: str, text: str, day_ms: int = DAY, received_ms: int = LATER) -> Mapping[str, Sequence[Row]]:
    """Return the rows of a day's file with this text."""
    asked = checksum_of(endpoint, day_ms)
    body = zipped(asked, text)
    return binance.parse(file_of(asked, body), Response(200, {}, body, max(received_ms, day_ms + 30 * DAY_MS)))
