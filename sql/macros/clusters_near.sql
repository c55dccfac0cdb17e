-- clusters_near(coin, distance := 0.05, as_of := NULL)
--
-- The clusters within a distance of the mark, the nearest first. Modelled; no rows mean that none is that near.
--
-- coin       a coin of the warehouse; another is refused
-- distance   how far the nearer edge may be from the mark, as a share of it: 0.05 is 5 %, 0.25 the whole map
-- as_of      a moment, in UTC or with its zone; default: the last published hour. An hour without a map is refused, and
--            a day whose clusters were lost
--
-- Columns and their units are those of mart.liquidation_clusters.
--
-- Example: FROM clusters_near('BTC', distance := 0.25);
CREATE MACRO clusters_near(coin, distance := 0.05, as_of := NULL) AS TABLE
WITH hour AS MATERIALIZED (
    FROM map_hour(coin, as_of := as_of)
),

-- A day without any cluster has a file too.
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
-- The row of an hour that has none only asks why.
WHERE CASE
    WHEN ops.refuse_unless(k.is_there, ops.older_than('cluster', coin, h.hour_utc)) THEN f.hour_utc IS NOT NULL
END
ORDER BY f.distance_bp, f.side, f.rank;
