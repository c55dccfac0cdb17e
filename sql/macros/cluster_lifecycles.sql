-- cluster_lifecycles(coin, since := NULL, until := NULL)
--
-- Every cluster that was followed in a range of hours, one row each: its end, or its state in the last hour of the
-- range. Modelled, except realised_usd, which is published. No rows mean that there was no cluster.
--
-- coin   a coin in the warehouse; any other is an error
-- since  the start, in UTC or with a zone; default: the first hour
-- until  the end, in UTC or with a zone; default: the latest published hour. A range without a map is an error
--
-- hours_lived   hours from birth to hour_utc, which is the hour of the end or the last hour of the range
--
-- The other columns and their units are those of mart.cluster_history in that hour.
--
-- Example: FROM cluster_lifecycles('BTC') ORDER BY largest_usd DESC LIMIT 20;
CREATE MACRO cluster_lifecycles(coin, since := NULL, until := NULL) AS TABLE
WITH hours AS MATERIALIZED (
    SELECT count(*) AS n
    FROM model.position_ledger AS b
    WHERE b.coin = ops.known(coin)
        AND ops.is_within(b.date, b.hour_utc, since, until)
),

clusters AS (
    SELECT min(c.hour_utc) AS first_utc
    FROM mart.liquidation_clusters AS c
    WHERE c.coin = ops.known(coin) AND ops.is_within(c.date, c.hour_utc, since, until)
),

tracks AS (
    SELECT h.*, date_diff('hour', h.born_utc, h.hour_utc) AS hours_lived
    FROM mart.cluster_history AS h
    WHERE h.coin = ops.known(coin) AND ops.is_within(h.date, h.hour_utc, since, until)
    QUALIFY row_number() OVER (PARTITION BY h.side, h.track_id ORDER BY h.hour_utc DESC) = 1
)

SELECT l.*
FROM hours
CROSS JOIN clusters
LEFT JOIN tracks AS l ON true
-- A range without rows leaves one null row, which is dropped or raises the error.
WHERE CASE
    WHEN l.track_id IS NOT NULL THEN true
    WHEN ops.refuse_unless(n > 0, ops.no_map_within(coin, since, until))
        THEN NOT ops.refuse_unless(first_utc IS NULL, ops.older_than('track of a cluster', coin, first_utc))
END
ORDER BY l.born_utc, l.side, l.track_id;
