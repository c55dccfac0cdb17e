"""Contract of mart.cluster_history."""

from datetime import timedelta

import polars as pl

from expectations.columns.registry import pick
from expectations.contract import Check, Input, Table

FADES_AFTER = timedelta(hours=6)
"""Not seen for so long, a track has faded.

Measured on two recorded months of five coins: in each hour 5.5 % of clusters are gone. Of those one in five is back at
its prices after one hour unseen, one in ten of the rest after two, one in 23 after six; from ten hours on one in 43 an
hour, which is another cluster that wanders there.
"""

_HOUR = timedelta(hours=1)
_TRACK = ("coin", "side", "track_id")
_STATE, _BORN, _SEEN, _NOW = (pl.col(name) for name in ("track_status", "born_utc", "seen_utc", "hour_utc"))
_FOLLOWED = _STATE.is_in(["active", "lost"])
_SWEPT = _STATE == "swept"
_BEFORE = pl.col("track_status").shift(1).over(_TRACK, order_by="hour_utc")
_UP_TO = pl.col("price_high").shift(1).over("coin", "hour_utc", "side", _FOLLOWED, order_by="price_low")

TABLE = Table(
    name="cluster_history",
    layer="mart",
    kind="modelled",
    doc="Every cluster followed from hour to hour: a row an hour for each track that goes on, and one for the hour of "
    "its end. A track goes on in the cluster of the next hour whose price buckets overlap its own the most, one to one, "
    "the largest overlap first. Where a cluster comes apart the other parts are born with `split_from_track_id`; where "
    "tracks meet in one the others end `merged`. Not found in an hour it is `unseen`, at the prices and the notional of "
    "when it was seen last; after 6 hours so it has `faded`. It is `swept` when an exchange's mark reaches its peak; "
    "what the whole cluster held when it was seen last (`seen_utc`) is then predicted, and what was liquidated in its "
    "range within the hour is realised, the only columns that are. Tracks of the first hour of history may be older.",
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
            "peak_within",
            "A cluster's peak lies inside it.",
            pl.col("price_peak").is_between("price_low", "price_high"),
        ),
        Check(
            "named_for_its_birth",
            "A track keeps its name, and the name says when it was born.",
            pl.col("track_id").str.contains(pl.format("-{}-{}-", "side", _BORN.dt.strftime("%Y%m%dT%H")), literal=True),
        ),
        Check(
            "one_life_a_cluster",
            "A cluster goes on as one track: two would count its dollars twice.",
            ~((_STATE == "active") & (pl.len().over("coin", "hour_utc", "side", "cluster_id", "track_status") > 1)),
        ),
        Check(
            "lives_lie_apart",
            "Ranges that overlap are one track, or one of them has ended.",
            ~_FOLLOWED | (pl.col("price_low") >= _UP_TO * (1 - 1e-9)).fill_null(True),
        ),
        Check(
            "ends_once",
            "What has ended is not seen again.",
            _BEFORE.is_in(["active", "lost"]).fill_null(True),
        ),
        Check(
            "seen_or_not",
            "Standing is seen now; unseen, not for so long that it has faded.",
            pl.when(_STATE == "active")
            .then(_SEEN == _NOW)
            .when(_STATE == "lost")
            .then((_SEEN < _NOW) & (_NOW - _SEEN < FADES_AFTER))
            .when(_STATE == "expired")
            .then(_NOW - _SEEN >= FADES_AFTER)
            .otherwise(_SEEN < _NOW),
        ),
        Check(
            "largest_is_of_its_life",
            "Nothing it held was more than the largest, which was while it was seen.",
            (pl.col("largest_usd") >= pl.max_horizontal("notional_usd", "born_usd"))
            & pl.col("largest_utc").is_between(_BORN, _SEEN),
        ),
        Check(
            "ends_say_how",
            "Who swept it stands on the row of a sweep and on no other, and so does whom it merged into.",
            pl.all_horizontal(
                (pl.col(c).is_not_null() == _SWEPT) for c in ("swept_utc", "swept_by_exchange", "predicted_usd")
            )
            & (pl.col("merged_into_track_id").is_not_null() == (_STATE == "merged")),
        ),
        Check(
            "swept_within_its_hour",
            "The hour of the end is that in which the mark came.",
            pl.col("swept_utc").is_between(_NOW - _HOUR, _NOW, closed="left").fill_null(True),
        ),
        Check(
            "unread_is_not_quiet",
            "What was realised is told with how well it is known, of a sweep only; null where no feed was read.",
            (pl.col("realised_usd").is_null() == pl.col("realised_is_complete").is_null())
            & (_SWEPT | pl.col("realised_usd").is_null()),
        ),
        Check(
            "nobody_descends_from_itself",
            "A track is split from, and merges into, another.",
            (pl.col("track_id") != pl.col("split_from_track_id")).fill_null(True)
            & (pl.col("track_id") != pl.col("merged_into_track_id")).fill_null(True),
        ),
    ),
)
