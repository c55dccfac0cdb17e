-- The rows of mart.cascade_risk of an hour, each with its rank among the 90 days before. An hour without rows has none.
CREATE MACRO ops.cascade_of(coin, hour) AS TABLE
WITH past AS (
    SELECT
        c.*, percent_rank() OVER of_side AS share_below, count(*) OVER of_side_in_all - 1 AS hours_before
    FROM mart.cascade_risk AS c
    WHERE c.coin = ops.known(coin) AND c.date BETWEEN hour::TIMESTAMP::DATE - 90 AND hour::TIMESTAMP::DATE
        AND c.hour_utc > hour::TIMESTAMP - INTERVAL 90 DAYS AND c.hour_utc <= hour::TIMESTAMP
    WINDOW
        of_side AS (PARTITION BY c.side, c.largest_ratio IS NULL ORDER BY c.largest_ratio),
        of_side_in_all AS (PARTITION BY c.side, c.largest_ratio IS NULL)
)

SELECT
    p.* EXCLUDE (share_below, hours_before),
    CASE WHEN p.largest_ratio IS NOT NULL AND p.hours_before >= 24 THEN 100 * p.share_below END AS largest_ratio_percentile
FROM past AS p
WHERE p.hour_utc = hour::TIMESTAMP;
