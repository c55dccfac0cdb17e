"""Which cluster goes on as which life: ranges of one hour beside those of the next."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

Span = tuple[int, int]
"""First and last bucket of a range, both included."""


@dataclass(frozen=True)
class Succession:
    """What became of lives, and whom clusters descend from.

    goes_on: cluster to the life that it is. split_from: a cluster that is born, to the life it had a part of; absent
    where it had none. merged_into: a life without a cluster of its own, to the one whose cluster it lies in.
    """

    goes_on: dict[str, str]
    split_from: dict[str, str]
    merged_into: dict[str, str]


def succession(lives: Mapping[str, Span], clusters: Mapping[str, Span], ended: Collection[str] = ()) -> Succession:
    """Matches lives with clusters one to one, the pair with the most buckets in common first.

    Of equal pairs the life that stands first in `lives` goes first, and then the cluster at the lower price.
    ended: lives that cannot go on, as the mark has swept them; what is left of their range is split from them.
    """
    pairs = [(life, cluster) for *_, life, cluster in sorted(_overlaps(lives, clusters))]
    goes_on: dict[str, str] = {}
    going_on: set[str] = set(ended)
    for life, cluster in pairs:
        if life not in going_on and cluster not in goes_on:
            goes_on[cluster] = life
            going_on.add(life)
    split_from: dict[str, str] = {}
    merged_into: dict[str, str] = {}
    for life, cluster in pairs:
        if cluster not in goes_on:
            split_from.setdefault(cluster, life)
        if life not in going_on:
            merged_into.setdefault(life, goes_on[cluster])
    return Succession(goes_on, split_from, merged_into)


def _overlaps(lives: Mapping[str, Span], clusters: Mapping[str, Span]) -> Iterator[tuple[int, int, Span, str, str]]:
    """Each pair that has buckets in common: how many (negative, so that the most sort first), what decides, and who."""
    for place, (life, (first, last)) in enumerate(lives.items()):
        for cluster, span in clusters.items():
            common = min(last, span[1]) - max(first, span[0]) + 1
            if common > 0:
                yield -common, place, span, life, cluster
