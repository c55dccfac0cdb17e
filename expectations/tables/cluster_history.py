"""Contract of mart.cluster_history."""

from datetime import timedelta

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

FADES_AFTER = timedelta(hours=6)
"""The time without detection after which a track expires.

Measured on two recorded months of five coins: 5.5 % of clusters disappear in each hour. One in five of them is back at
its prices after one hour, one in ten of the rest after two, one in 23 after six. From ten hours on it is one in 43 per
hour, the rate at which another cluster drifts there.
"""

_HOUR = timedelta(hours=1)
_TRACK = ("coin", "side", "track_id")
_STATE, _BORN, _SEEN, _NOW = (pl.col(name) for name in ("track_status", "born_utc", "seen_utc", "hour_utc"))
_OPEN = _STATE.is_in(["active", "lost"])
_SWEPT = _STATE == "swept"
_BEFORE = pl.col("track_status").shift(1).over(_TRACK, order_by="hour_utc")
_PREVIOUS_HIGH = pl.col("price_high").shift(1).over("coin", "hour_utc", "side", _OPEN, order_by="price_low")

TABLE = Table(
    name="cluster_history",
    layer="mart",
    kind="modelled",
    doc="Clusters followed from hour to hour: one row per hour for each open track, and one for the hour in which it "
    "ends. A track continues in the next hour's cluster whose price buckets overlap its own the most, one to "
    "one, largest overlap first. If a cluster splits, the other parts are born with `split_from_track_id`; if "
    "tracks meet in one cluster, the others end as `merged`. A cluster that is not detected in an hour is `lost` "
    "and keeps its last prices and notional; after 6 hours it is `expired`. It is `swept` when an exchange's "
    "mark reaches its peak: `predicted_usd` is then the whole cluster's notional when last seen (`seen_utc`), "
    "and `realised_usd` the liquidations published in its range within the hour; the `realised_` columns alone "
    "are not modelled. Tracks of the first hour of history may be older than they look.",
    grain=("hour_utc", "side", "track_id"),
    columns=pick(
        "coin",
        "date",
        "hour_utc",
        "side",
        "track_id",
        "cluster_id",
        "price_low",
        "price_high",
        "price_peak",
        "notional_usd",
        "intensity",
        "distance_bp",
        "born_utc",
        "born_usd",
        "largest_usd",
        "largest_utc",
        "seen_utc",
        "track_status",
        "split_from_track_id",
        "merged_into_track_id",
        "swept_utc",
        "swept_by_exchange",
        "predicted_usd",
        "realised_usd",
        "realised_is_complete",
        "mark_price",
        "is_stale",
        "parameters_version",
        "source",
    ),
    inputs=(
        Input("liquidation_clusters", required=True),
        Input("position_ledger"),
        Input("price_bars", hours=1),
        Input("realised_liquidations", hours=1),
        Input("realised_coverage", hours=1),
        Input("cluster_history", days=1, own_day=False, last_hour_only=True),
    ),
    nullable=frozenset(
        {
            "split_from_track_id",
            "merged_into_track_id",
            "swept_utc",
            "swept_by_exchange",
            "predicted_usd",
            "realised_usd",
            "realised_is_complete",
        }
    ),
    time_column="hour_utc",
    may_be_empty=True,
    checks_look_back=True,
    checks=(
        Check(
            "peak_within_cluster",
            "The peak must lie inside the cluster's price range.",
            pl.col("price_peak").is_between("price_low", "price_high"),
        ),
        Check(
            "track_id_matches_birth",
            "A `track_id` contains the side and the hour of birth, and both stay the same.",
            pl.col("track_id").str.contains(pl.format("-{}-{}-", "side", _BORN.dt.strftime("%Y%m%dT%H")), literal=True),
        ),
        Check(
            "one_active_track_per_cluster",
            "A cluster belongs to one active track; two would count its notional twice.",
            ~((_STATE == "active") & (pl.len().over("coin", "hour_utc", "side", "cluster_id", "track_status") > 1)),
        ),
        Check(
            "open_tracks_do_not_overlap",
            "Active and lost tracks of one side must not overlap in price; otherwise one of them should have ended.",
            ~_OPEN | (pl.col("price_low") >= _PREVIOUS_HIGH * (1 - 1e-9)).fill_null(True),
        ),
        Check(
            "no_rows_after_end",
            "A track that was swept, expired or merged has no later rows.",
            _BEFORE.is_in(["active", "lost"]).fill_null(True),
        ),
        Check(
            "seen_time_matches_status",
            "An active track was seen in this hour, a lost one less than 6 hours ago, an expired one at least 6 "
            "hours ago.",
            pl.when(_STATE == "active")
            .then(_SEEN == _NOW)
            .when(_STATE == "lost")
            .then((_SEEN < _NOW) & (_NOW - _SEEN < FADES_AFTER))
            .when(_STATE == "expired")
            .then(_NOW - _SEEN >= FADES_AFTER)
            .otherwise(_SEEN < _NOW),
        ),
        Check(
            "largest_within_track",
            "`largest_usd` is at least the notional at birth and now, at an hour between `born_utc` and `seen_utc`.",
            (pl.col("largest_usd") >= pl.max_horizontal("notional_usd", "born_usd"))
            & pl.col("largest_utc").is_between(_BORN, _SEEN),
        ),
        Check(
            "end_columns_match_status",
            "The sweep columns are set exactly for swept tracks, `merged_into_track_id` exactly for merged ones.",
            pl.all_horizontal(
                (pl.col(c).is_not_null() == _SWEPT) for c in ("swept_utc", "swept_by_exchange", "predicted_usd")
            )
            & (pl.col("merged_into_track_id").is_not_null() == (_STATE == "merged")),
        ),
        Check(
            "swept_within_its_hour",
            "`swept_utc` must lie in the hour that ends at `hour_utc`.",
            pl.col("swept_utc").is_between(_NOW - _HOUR, _NOW, closed="left").fill_null(True),
        ),
        Check(
            "realised_only_for_sweeps",
            "Realised columns are set only for sweeps, and both together; they are null if no feed was read.",
            (pl.col("realised_usd").is_null() == pl.col("realised_is_complete").is_null())
            & (_SWEPT | pl.col("realised_usd").is_null()),
        ),
        Check(
            "no_track_refers_to_itself",
            "A track cannot split from itself or merge into itself.",
            (pl.col("track_id") != pl.col("split_from_track_id")).fill_null(True)
            & (pl.col("track_id") != pl.col("merged_into_track_id")).fill_null(True),
        ),
    ),
)
