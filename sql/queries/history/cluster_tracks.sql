-- The last row of each track in the span.
FROM mart.cluster_history
WHERE coin = $coin AND date >= $since::DATE AND hour_utc > $since AND hour_utc <= $hour
QUALIFY row_number() OVER (PARTITION BY side, track_id ORDER BY hour_utc DESC) = 1
ORDER BY hour_utc, side, track_id;
