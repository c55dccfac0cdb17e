"""What is known of the exchanges' feeds of realised liquidations: how much of the truth they hold, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from transforms.exchanges.recording import ENDPOINT

BEST_FIRST = ("complete", "recent", "sampled")
"""The values of `completeness`: where two feeds tell of the same, the better one counts."""


@dataclass(frozen=True)
class Feed:
    """`completeness` as in the column of that name; `kept`: how far back the exchange answers, None where it says nothing.

    A question about what is older is answered too, with nothing, so age alone tells silence from quiet.
    """

    completeness: str
    kept: timedelta | None


_FEEDS = {
    ("okx", "liquidations"): Feed("recent", timedelta(days=1)),  # a list of about a day, whole while it lasts
    ("bybit", ENDPOINT): Feed("complete", None),  # said to be all there are
}
_UNKNOWN = Feed("sampled", None)  # the streams of Binance and OKX tell one a second and contract


def feed(exchange: str, endpoint: str) -> Feed:
    """The feed of an exchange; of one that nothing is known of, no more than a sample is expected."""
    return _FEEDS.get((exchange, endpoint), _UNKNOWN)
