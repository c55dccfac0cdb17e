-- clusters_near(coin, distance := 0.05, as_of := NULL)
--
-- The clusters within a distance of the mark, nearest first. Modelled; no rows mean that there is no cluster that near.
--
-- coin       a coin in the warehouse; any other is an error
-- distance   largest distance of the nearer edge from the mark, as a fraction: 0.05 is 5 %, 0.25 the whole map
-- as_of      a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error,
--            and so is a day whose file of clusters is missing
--
-- Columns and their units are those of mart.liquidation_clusters.
--
-- Example: FROM clusters_near('BTC', distance := 0.25);
CREATE MACRO clusters_near(coin, distance := 0.05, as_of := NULL) AS TABLE
WITH hour AS MATERIALIZED (
    FROM map_hour(coin, as_of := as_of)
),

-- A day without clusters still has a file, so a missing file means loss.
kept AS MATERIALIZED (
    SELECT count(*) > 0 AS is_there
    FROM glob(ops.file_of(coin, 'mart.liquidation_clusters', coalesce(ops.moment(as_of)::DATE, ops.last_day(coin))))
),

found AS (
    SELECT c.*
    FROM mart.liquidation_clusters AS c
    JOIN hour AS h ON c.date = h.hour_utc::DATE AND c.hour_utc = h.hour_utc
    WHERE c.coin = ops.known(coin) AND c.distance_bp <= ops.distance(distance) * 1e4
)

SELECT f.*
FROM hour AS h
CROSS JOIN kept AS k
LEFT JOIN found AS f ON true
-- An hour without rows leaves one null row, which is dropped or raises the error.
WHERE CASE
    WHEN ops.refuse_unless(k.is_there, ops.older_than('cluster', coin, h.hour_utc)) THEN f.hour_utc IS NOT NULL
END
ORDER BY f.distance_bp, f.side, f.rank;
