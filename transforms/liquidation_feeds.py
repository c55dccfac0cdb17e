"""What is known of the venues' feeds of realised liquidations: how much of the truth they hold, and for how long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Feed:
    """`completeness` as in the column of that name; `kept`: how far back the venue answers, None where it says nothing.

    A question about what is older is answered too, with nothing, so age alone tells silence from quiet.
    """

    completeness: str
    kept: timedelta | None


_FEEDS = {"okx": Feed("recent", timedelta(days=1))}  # a list of about a day, said to be whole while it lasts
_UNKNOWN = Feed("sampled", None)


def feed(exchange: str) -> Feed:
    """The feed of a venue; of one that nothing is known of, no more than a sample is expected."""
    return _FEEDS.get(exchange, _UNKNOWN)
