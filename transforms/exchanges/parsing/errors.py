"""The errors in answers: HTTP status, exchange code and headers, mapped to the error that decides on a retry."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum

from transforms.exchanges.protocol import (
    BadPayload,
    ExchangeError,
    GeoBlocked,
    NotFound,
    RateLimited,
    Response,
    Transient,
)

_BANNED_UNTIL = re.compile(r"until (\d{13})")
_SECONDS = re.compile(r"\d{1,12}(\.\d*)?", re.ASCII)


class Kind(Enum):
    """The meaning of an exchange's error code."""

    LIMITED = "limited"
    TRANSIENT = "transient"
    GEO = "geo"
    ITEM = "item"  # final for this request only


@dataclass(frozen=True)
class Dialect:
    """The error codes and wording of one exchange. `silence_ms`: the pause when it asks for one of unstated length."""

    codes: Mapping[str, Kind]
    silence_ms: int
    geo_words: tuple[str, ...] = ("your country", "restricted location")
    ban_ms: int = 600_000


def refusal(response: Response, dialect: Dialect, code: str | None, words: object) -> ExchangeError | None:
    """Return the error in an answer; None if the answer can be parsed as data.

    `code` is the exchange's own error code, None if the body has none or reports success; `words` is its message.
    """
    status, message = response.status, words if isinstance(words, str) else ""
    reason = _reason(status, code, message)
    if status == 403:
        return _forbidden(response, dialect, reason)
    if status == 451:
        return GeoBlocked(reason)
    if status == 418:
        return RateLimited(reason, _until(response, message, 120_000), banned=True)
    kind = dialect.codes.get(code) if code is not None else None
    kind = kind or _kind_of_status(status)
    if kind is Kind.LIMITED:
        return RateLimited(reason, _until(response, message, dialect.silence_ms))
    if kind is Kind.TRANSIENT:
        return Transient(reason, _retry_after(response))
    if kind is not None:
        return {Kind.GEO: GeoBlocked, Kind.ITEM: NotFound}[kind](reason)
    if code is not None or not 200 <= status < 300:
        return BadPayload(reason)
    return None


def _kind_of_status(status: int) -> Kind | None:
    if status >= 500 or status == 408:
        return Kind.TRANSIENT
    return {429: Kind.LIMITED, 404: Kind.ITEM, 400: Kind.ITEM}.get(status)


def _forbidden(response: Response, dialect: Dialect, reason: str) -> ExchangeError:
    """Return the error of a 403: a ban, a firewall or a geo-block, never "no data".

    Unless it mentions location, it is treated as a ban, with a long pause. Headers of the ordinary limit come with
    this answer too but do not describe the ban, so they never shorten the pause.
    """
    text = response.body[:4000].decode("utf-8", "replace").lower()
    if "too frequent" not in text and any(word in text for word in dialect.geo_words):
        return GeoBlocked(f"{reason}: not served to this country")
    until_ms = max(response.received_ms + dialect.ban_ms, _until(response, text, 0))
    return RateLimited(f"{reason}: refused by a firewall or banned", until_ms, banned=True)


def _until(response: Response, message: str, silence_ms: int) -> int:
    """Return the latest of the times that the exchange names (unix ms), else `silence_ms` after its answer."""
    named = [int(found) for found in _BANNED_UNTIL.findall(message)]
    if (retry_ms := _retry_after(response)) is not None:
        named.append(retry_ms)
    reset = response.headers.get("x-bapi-limit-reset-timestamp", "").strip()
    if reset.isdecimal():
        named.append(int(reset))
    return max(named, default=response.received_ms + silence_ms)


def _retry_after(response: Response) -> int | None:
    """Return when to ask again (unix ms): the header has seconds from the answer, or a date in GMT.

    A date already past means that two clocks disagree, not that requests may continue: it is ignored.
    """
    header = response.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(header):
        return response.received_ms + math.ceil(1000 * float(header))
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, TypeError, IndexError, OverflowError):  # an unreadable header must not stop the run
        return None
    # The standard means UTC where no zone is given; `timestamp` would assume local time.
    until_ms = int(1000 * (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    return until_ms if until_ms > response.received_ms else None


def _reason(status: int, code: str | None, message: str) -> str:
    text = " ".join(message.split())[:120]
    return f"HTTP {status}" + (f", code {code}" if code is not None else "") + (f": {text}" if text else "")
