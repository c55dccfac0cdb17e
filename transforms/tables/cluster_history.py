"""mart.cluster_history: clusters followed from hour to hour, from their birth to how they end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import log
from typing import Any

import polars as pl

from expectations.tables import table
from expectations.tables.cluster_history import FADES_AFTER
from transforms.hourly.cluster_realised import realised_within
from transforms.hourly.map_hour import hourly_attributes
from transforms.model.clusters.detection import distance_bp
from transforms.model.clusters.tracking import Span, Succession, succession
from transforms.model.price_grid import WIDTH

TABLE = table("cluster_history")
_SIDE = ("hour_utc", "side")
_FOUND = ("cluster_id", "price_low", "price_high", "price_peak", "notional_usd", "intensity")
_FOLLOWED = ("active", "lost")
_ADDED = {"date", "realised_usd", "realised_is_complete"}
_LIVES = pl.Schema({name: dtype for name, dtype in TABLE.schema.items() if name not in _ADDED})

_Row = dict[str, Any]
_Bar = tuple[datetime, str, float, float]


def build(
    liquidation_clusters: pl.DataFrame,
    position_ledger: pl.DataFrame,
    price_bars: pl.DataFrame,
    realised_liquidations: pl.DataFrame,
    realised_coverage: pl.DataFrame,
    cluster_history: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The tracks of each hour of `position_ledger`, one coin's.

    cluster_history: the rows of the hour before, from which tracks go on; without any, all begin in the first hour. Of
    clusters, bars and what was realised only what falls in these hours is read.
    """
    earlier = TABLE.empty() if cluster_history is None else cluster_history
    followed = earlier.filter(pl.col("track_status").is_in(_FOLLOWED)).select(_LIVES.names())
    found = {key: rows.to_dicts() for key, rows in liquidation_clusters.partition_by(_SIDE, as_dict=True).items()}
    bars, rows = _bars(price_bars), list[_Row]()
    for side in ("long", "short"):
        tracks = followed.filter(pl.col("side") == side).to_dicts()
        books = position_ledger.filter(pl.col("side") == side)
        for hour, known in hourly_attributes(books).items():
            about = known | {"coin": books["coin"][0], "side": side, "hour_utc": hour}
            made = list(_hour(tracks, found.get((hour, side), []), bars.get((hour,), []), about))
            rows += made
            tracks = [row for row in made if row["track_status"] in _FOLLOWED]
    frame = pl.DataFrame(rows, schema=_LIVES, orient="row")
    swept = frame.filter(pl.col("track_status") == "swept")
    told = realised_within(swept, position_ledger, realised_liquidations, realised_coverage)
    dated = frame.with_columns(pl.col("hour_utc").dt.date().alias("date"))
    return TABLE.conform(dated.join(told, on=[*_SIDE, "track_id"], how="left"))


def _bars(price_bars: pl.DataFrame) -> dict[tuple[Any, ...], list[_Bar]]:
    """By hour, the bars that end in it: open, exchange, low and high."""
    ended = pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes"), milliseconds=-1)
    hour = ended.dt.truncate("1h").dt.offset_by("1h").alias("hour_utc")
    bars = price_bars.select(hour, "open_utc", "exchange", "low", "high")
    return {key: rows.drop("hour_utc").rows() for key, rows in bars.partition_by("hour_utc", as_dict=True).items()}


def _hour(tracks: Sequence[_Row], clusters: Sequence[_Row], bars: Sequence[_Bar], about: _Row) -> Iterator[_Row]:
    """The rows of one side in one hour, of `tracks` that were followed up to the hour before it."""
    lasting = [track for track in tracks if about["hour_utc"] - track["seen_utc"] <= FADES_AFTER]
    lasting.sort(key=lambda track: (track["born_utc"], track["price_low"], track["track_id"]))
    swept = {track["track_id"]: bar for track in lasting if (bar := _sweep(track, bars))}
    became = succession(
        {track["track_id"]: _span(track) for track in lasting},
        {cluster["cluster_id"]: _span(cluster) for cluster in clusters},
        swept,
    )
    by_name = {track["track_id"]: track for track in tracks}
    for cluster in clusters:
        name = cluster["cluster_id"]
        track = by_name[became.goes_on[name]] if name in became.goes_on else _born(cluster, became, about)
        yield _placed(_standing(track, cluster, about), about)
    going_on = set(became.goes_on.values())
    for name, track in by_name.items():
        if name not in going_on:
            yield _placed(track | _not_found(track, swept.get(name), became, about), about)


def _sweep(track: _Row, bars: Sequence[_Bar]) -> _Bar | None:
    """The first of `bars` whose mark reached the peak; of several of one moment the one that went furthest."""
    peak = track["price_peak"]
    if track["side"] == "long":
        return min((b for b in bars if b[2] <= peak), key=lambda b: (b[0], b[2], b[1]), default=None)
    return min((b for b in bars if b[3] >= peak), key=lambda b: (b[0], -b[3], b[1]), default=None)


def _span(row: _Row) -> Span:
    """The buckets of a range."""
    return round(log(row["price_low"]) / WIDTH), round(log(row["price_high"]) / WIDTH) - 1


def _born(cluster: _Row, became: Succession, about: _Row) -> _Row:
    hour, usd = about["hour_utc"], cluster["notional_usd"]
    first, last = _span(cluster)
    none = dict.fromkeys(("merged_into_track_id", "swept_utc", "swept_by_exchange", "predicted_usd"))
    return none | {
        "track_id": f"{about['coin']}-{about['side']}-{hour:%Y%m%dT%H}-{first}-{last}",
        "born_utc": hour,
        "born_usd": usd,
        "largest_usd": usd,
        "largest_utc": hour,
        "split_from_track_id": became.split_from.get(cluster["cluster_id"]),
    }


def _standing(track: _Row, cluster: _Row, about: _Row) -> _Row:
    """The track in the cluster that it has in this hour."""
    grown = cluster["notional_usd"] > track["largest_usd"]
    largest = {"largest_usd": cluster["notional_usd"], "largest_utc": about["hour_utc"]} if grown else {}
    now = {"seen_utc": about["hour_utc"], "track_status": "active"}
    return track | {name: cluster[name] for name in _FOUND} | largest | now


def _not_found(track: _Row, swept: _Bar | None, became: Succession, about: _Row) -> _Row:
    """What became of a track that no cluster of this hour goes on with."""
    if swept:
        told = {"swept_utc": swept[0], "swept_by_exchange": swept[1], "predicted_usd": track["notional_usd"]}
        return told | {"track_status": "swept"}
    if track["track_id"] in became.merged_into:
        return {"track_status": "merged", "merged_into_track_id": became.merged_into[track["track_id"]]}
    return {"track_status": "expired" if about["hour_utc"] - track["seen_utc"] >= FADES_AFTER else "lost"}


def _placed(track: _Row, about: _Row) -> _Row:
    """The track's row of this hour, seen from the hour's mark."""
    far = distance_bp(about["side"], track["price_low"], track["price_high"], about["mark_price"])
    return track | about | {"distance_bp": far}
