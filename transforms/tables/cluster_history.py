"""mart.cluster_history: clusters tracked from hour to hour, from their first hour to their end."""

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
_CLUSTER_COLUMNS = ("cluster_id", "price_low", "price_high", "price_peak", "notional_usd", "intensity")
_OPEN_STATUSES = ("active", "lost")
_ADDED_LATER = {"date", "realised_usd", "realised_is_complete"}
_TRACK_SCHEMA = pl.Schema({name: dtype for name, dtype in TABLE.schema.items() if name not in _ADDED_LATER})

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
    """Return one coin's tracks in each hour of `position_ledger`.

    cluster_history: rows of the previous hour; their open tracks continue. Without it every track starts in the first
    hour. Clusters, bars and realised liquidations outside these hours are ignored.
    """
    earlier = TABLE.empty() if cluster_history is None else cluster_history
    open_tracks = earlier.filter(pl.col("track_status").is_in(_OPEN_STATUSES)).select(_TRACK_SCHEMA.names())
    found = {key: rows.to_dicts() for key, rows in liquidation_clusters.partition_by(_SIDE, as_dict=True).items()}
    bars, rows = _bars_by_hour(price_bars), list[_Row]()
    for side in ("long", "short"):
        tracks = open_tracks.filter(pl.col("side") == side).to_dicts()
        ledger = position_ledger.filter(pl.col("side") == side)
        for hour, shared in hourly_attributes(ledger).items():
            attributes = shared | {"coin": ledger["coin"][0], "side": side, "hour_utc": hour}
            hour_rows = list(_track_hour(tracks, found.get((hour, side), []), bars.get((hour,), []), attributes))
            rows += hour_rows
            tracks = [row for row in hour_rows if row["track_status"] in _OPEN_STATUSES]
    frame = pl.DataFrame(rows, schema=_TRACK_SCHEMA, orient="row")
    swept = frame.filter(pl.col("track_status") == "swept")
    realised = realised_within(swept, position_ledger, realised_liquidations, realised_coverage)
    dated = frame.with_columns(pl.col("hour_utc").dt.date().alias("date"))
    return TABLE.conform(dated.join(realised, on=[*_SIDE, "track_id"], how="left"))


def _bars_by_hour(price_bars: pl.DataFrame) -> dict[tuple[Any, ...], list[_Bar]]:
    """Return the bars that end in each hour, as (open time, exchange, low, high)."""
    ended = pl.col("open_utc") + pl.duration(minutes=pl.col("interval_minutes"), milliseconds=-1)
    hour = ended.dt.truncate("1h").dt.offset_by("1h").alias("hour_utc")
    bars = price_bars.select(hour, "open_utc", "exchange", "low", "high")
    return {key: rows.drop("hour_utc").rows() for key, rows in bars.partition_by("hour_utc", as_dict=True).items()}


def _track_hour(
    tracks: Sequence[_Row], clusters: Sequence[_Row], bars: Sequence[_Bar], attributes: _Row
) -> Iterator[_Row]:
    """Yield one side's rows of one hour, given the tracks still open after the previous hour."""
    alive = [track for track in tracks if attributes["hour_utc"] - track["seen_utc"] <= FADES_AFTER]
    alive.sort(key=lambda track: (track["born_utc"], track["price_low"], track["track_id"]))
    swept = {track["track_id"]: bar for track in alive if (bar := _find_sweep(track, bars))}
    links = succession(
        {track["track_id"]: _bucket_range(track) for track in alive},
        {cluster["cluster_id"]: _bucket_range(cluster) for cluster in clusters},
        swept,
    )
    by_id = {track["track_id"]: track for track in tracks}
    for cluster in clusters:
        known = links.goes_on.get(cluster["cluster_id"])
        track = _start_track(cluster, links, attributes) if known is None else by_id[known]
        yield _add_distance(_continue_track(track, cluster, attributes), attributes)
    continued = set(links.goes_on.values())
    for track_id, track in by_id.items():
        if track_id not in continued:
            yield _add_distance(track | _close_or_lose(track, swept.get(track_id), links, attributes), attributes)


def _find_sweep(track: _Row, bars: Sequence[_Bar]) -> _Bar | None:
    """Return the first bar with a mark at or beyond the peak; of bars of the same time, the one that went furthest."""
    peak = track["price_peak"]
    if track["side"] == "long":
        return min((b for b in bars if b[2] <= peak), key=lambda b: (b[0], b[2], b[1]), default=None)
    return min((b for b in bars if b[3] >= peak), key=lambda b: (b[0], -b[3], b[1]), default=None)


def _bucket_range(row: _Row) -> Span:
    """Return the first and last bucket of a row's price range."""
    return round(log(row["price_low"]) / WIDTH), round(log(row["price_high"]) / WIDTH) - 1


def _start_track(cluster: _Row, links: Succession, attributes: _Row) -> _Row:
    hour, usd = attributes["hour_utc"], cluster["notional_usd"]
    first, last = _bucket_range(cluster)
    none = dict.fromkeys(("merged_into_track_id", "swept_utc", "swept_by_exchange", "predicted_usd"))
    return none | {
        "track_id": f"{attributes['coin']}-{attributes['side']}-{hour:%Y%m%dT%H}-{first}-{last}",
        "born_utc": hour,
        "born_usd": usd,
        "largest_usd": usd,
        "largest_utc": hour,
        "split_from_track_id": links.split_from.get(cluster["cluster_id"]),
    }


def _continue_track(track: _Row, cluster: _Row, attributes: _Row) -> _Row:
    """Return the track's row in the hour in which it continues as `cluster`."""
    grown = cluster["notional_usd"] > track["largest_usd"]
    largest = {"largest_usd": cluster["notional_usd"], "largest_utc": attributes["hour_utc"]} if grown else {}
    now = {"seen_utc": attributes["hour_utc"], "track_status": "active"}
    return track | {name: cluster[name] for name in _CLUSTER_COLUMNS} | largest | now


def _close_or_lose(track: _Row, swept: _Bar | None, links: Succession, attributes: _Row) -> _Row:
    """Return the status, and its details, of a track that no cluster of this hour continues."""
    if swept:
        sweep = {"swept_utc": swept[0], "swept_by_exchange": swept[1], "predicted_usd": track["notional_usd"]}
        return sweep | {"track_status": "swept"}
    if track["track_id"] in links.merged_into:
        return {"track_status": "merged", "merged_into_track_id": links.merged_into[track["track_id"]]}
    return {"track_status": "expired" if attributes["hour_utc"] - track["seen_utc"] >= FADES_AFTER else "lost"}


def _add_distance(track: _Row, attributes: _Row) -> _Row:
    """Add the hour's attributes and the distance to its mark."""
    distance = distance_bp(attributes["side"], track["price_low"], track["price_high"], attributes["mark_price"])
    return track | attributes | {"distance_bp": distance}
