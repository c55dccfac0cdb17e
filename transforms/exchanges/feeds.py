"""Feeds of realised liquidations: how complete each one is, and how far back the exchange serves it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from transforms.exchanges.recording import ENDPOINT

BEST_FIRST = ("complete", "recent", "sampled")
"""The values of `completeness`, best first: where two feeds report the same liquidations, the better one counts."""


@dataclass(frozen=True)
class Feed:
    """A feed's `completeness`, as in the column of that name, and `retention`: how far back the exchange serves it.

    `retention` is None where the exchange documents no limit. A request for older data succeeds without rows, so only
    its age distinguishes missing data from a quiet market.
    """

    completeness: str
    retention: timedelta | None


_FEEDS = {
    ("okx", "liquidations"): Feed("recent", timedelta(days=1)),  # a list of about a day, complete within it
    ("bybit", ENDPOINT): Feed("complete", None),  # documented as every liquidation
}
_UNKNOWN = Feed("sampled", None)  # Binance's and OKX's streams send one event per second and contract


def feed(exchange: str, endpoint: str) -> Feed:
    """Return the feed of an exchange's endpoint; an undocumented feed counts as a sample."""
    return _FEEDS.get((exchange, endpoint), _UNKNOWN)
