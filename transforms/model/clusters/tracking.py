"""Matching of tracks with the clusters of the next hour, by overlap of their ranges."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

Span = tuple[int, int]
"""First and last bucket of a range, both included."""


@dataclass(frozen=True)
class Succession:
    """The continuation of tracks and the descent of new clusters.

    goes_on: cluster to the track that it continues. split_from: new cluster to the track that it overlaps; without an
    entry if there is none. merged_into: track without a cluster of its own, to the track of the cluster it overlaps.
    """

    goes_on: dict[str, str]
    split_from: dict[str, str]
    merged_into: dict[str, str]


def succession(tracks: Mapping[str, Span], clusters: Mapping[str, Span], ended: Collection[str] = ()) -> Succession:
    """Match tracks with clusters one to one, greedily by the number of buckets in common.

    Ties go to the earlier track in `tracks`, then to the cluster at the lower price. ended: tracks that the mark has
    swept and that cannot continue; clusters in the rest of their range are split from them.
    """
    pairs = [(track, cluster) for *_, track, cluster in sorted(_overlaps(tracks, clusters))]
    goes_on: dict[str, str] = {}
    matched: set[str] = set(ended)
    for track, cluster in pairs:
        if track not in matched and cluster not in goes_on:
            goes_on[cluster] = track
            matched.add(track)
    split_from: dict[str, str] = {}
    merged_into: dict[str, str] = {}
    for track, cluster in pairs:
        if cluster not in goes_on:
            split_from.setdefault(cluster, track)
        if track not in matched:
            merged_into.setdefault(track, goes_on[cluster])
    return Succession(goes_on, split_from, merged_into)


def _overlaps(tracks: Mapping[str, Span], clusters: Mapping[str, Span]) -> Iterator[tuple[int, int, Span, str, str]]:
    """Yield each overlapping pair with its sort key: minus the buckets in common, then the tie-breakers."""
    for order, (track, (first, last)) in enumerate(tracks.items()):
        for cluster, span in clusters.items():
            common = min(last, span[1]) - max(first, span[0]) + 1
            if common > 0:
                yield -common, order, span, track, cluster
