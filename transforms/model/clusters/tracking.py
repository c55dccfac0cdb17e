"""Which cluster goes on as which track: ranges of one hour beside those of the next."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

Span = tuple[int, int]
"""First and last bucket of a range, both included."""


@dataclass(frozen=True)
class Succession:
    """What became of tracks, and whom clusters descend from.

    goes_on: cluster to the track that it is. split_from: a cluster that is born, to the track it had a part of; absent
    where it had none. merged_into: a track without a cluster of its own, to the one whose cluster it lies in.
    """

    goes_on: dict[str, str]
    split_from: dict[str, str]
    merged_into: dict[str, str]


def succession(tracks: Mapping[str, Span], clusters: Mapping[str, Span], ended: Collection[str] = ()) -> Succession:
    """Matches tracks with clusters one to one, the pair with the most buckets in common first.

    Of equal pairs the track that stands first in `tracks` goes first, and then the cluster at the lower price.
    ended: tracks that cannot go on, as the mark has swept them; what is left of their range is split from them.
    """
    pairs = [(track, cluster) for *_, track, cluster in sorted(_overlaps(tracks, clusters))]
    goes_on: dict[str, str] = {}
    going_on: set[str] = set(ended)
    for track, cluster in pairs:
        if track not in going_on and cluster not in goes_on:
            goes_on[cluster] = track
            going_on.add(track)
    split_from: dict[str, str] = {}
    merged_into: dict[str, str] = {}
    for track, cluster in pairs:
        if cluster not in goes_on:
            split_from.setdefault(cluster, track)
        if track not in going_on:
            merged_into.setdefault(track, goes_on[cluster])
    return Succession(goes_on, split_from, merged_into)


def _overlaps(tracks: Mapping[str, Span], clusters: Mapping[str, Span]) -> Iterator[tuple[int, int, Span, str, str]]:
    """Each pair that has buckets in common: how many (negative, so that the most sort first), what decides, and who."""
    for place, (track, (first, last)) in enumerate(tracks.items()):
        for cluster, span in clusters.items():
            common = min(last, span[1]) - max(first, span[0]) + 1
            if common > 0:
                yield -common, place, span, track, cluster
