"""Track succession: each cluster belongs to one track, and no track continues as two clusters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transforms.model.clusters.tracking import Span, succession


@st.composite
def ranges(draw: st.DrawFn, name: str) -> dict[str, Span]:
    """Draw disjoint ranges, as clusters of one hour and side are."""
    spans: dict[str, Span] = {}
    at = draw(st.integers(-20, 0))
    for i, (gap, width) in enumerate(draw(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 12)), max_size=8))):
        spans[f"{name}{i}"] = (at + gap, at + gap + width - 1)
        at += gap + width
    return spans


def meet(one: Span, other: Span) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


@given(ranges("track"), ranges("cluster"), st.data())
def test_each_cluster_has_one_track_and_no_track_two_clusters(
    tracks: dict[str, Span], clusters: dict[str, Span], data: st.DataObject
) -> None:
    ended = set(data.draw(st.lists(st.sampled_from(sorted(tracks)), unique=True))) if tracks else set()
    became = succession(tracks, clusters, ended)
    going_on = list(became.goes_on.values())
    assert len(set(going_on)) == len(going_on)
    assert became.goes_on.keys() | became.split_from.keys() <= clusters.keys()
    assert became.goes_on.keys().isdisjoint(became.split_from)
    assert set(going_on) | became.merged_into.keys() <= tracks.keys() - ended
    assert became.merged_into.keys().isdisjoint(going_on)
    assert set(became.merged_into.values()) <= set(going_on)
    for cluster, track in (*became.goes_on.items(), *became.split_from.items()):
        assert meet(tracks[track], clusters[cluster])
    for track, span in tracks.items():
        left_alone = not any(meet(span, other) for other in clusters.values())
        assert (track in going_on or track in became.merged_into) == (track not in ended and not left_alone)
    for cluster, span in clusters.items():
        is_new = not any(meet(span, other) for other in tracks.values())
        assert (cluster in became.goes_on or cluster in became.split_from) == (not is_new)


@given(ranges("track"), ranges("cluster"), st.randoms(use_true_random=False))
def test_order_of_clusters_does_not_matter(
    tracks: dict[str, Span], clusters: dict[str, Span], chance: st.DataObject
) -> None:
    def shuffled(spans: dict[str, Span]) -> dict[str, Span]:
        items = list(spans.items())
        chance.shuffle(items)
        return dict(items)

    assert succession(tracks, shuffled(clusters)) == succession(tracks, clusters)


@given(ranges("track"))
def test_unchanged_ranges_keep_their_tracks(tracks: dict[str, Span]) -> None:
    assert succession(tracks, tracks).goes_on == {name: name for name in tracks}


def test_largest_overlap_continues_and_first_wins_ties() -> None:
    apart = succession({"a": (0, 9)}, {"low": (0, 2), "high": (4, 9)})
    assert (apart.goes_on, apart.split_from) == ({"high": "a"}, {"low": "a"})
    one = succession({"b": (6, 9), "a": (0, 3)}, {"whole": (0, 9)})
    assert (one.goes_on, one.merged_into) == ({"whole": "b"}, {"a": "b"})
    halves = succession({"a": (0, 9)}, {"high": (5, 9), "low": (0, 4)})
    assert halves.goes_on == {"low": "a"}
    chain = succession({"a": (0, 9), "b": (10, 13)}, {"x": (0, 3), "y": (4, 13)})
    assert (chain.goes_on, chain.split_from, chain.merged_into) == ({"y": "a"}, {"x": "a"}, {"b": "a"})
