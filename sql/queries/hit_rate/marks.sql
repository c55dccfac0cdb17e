-- The mark at the end of each hour, with the lowest and highest mark in the hour.
WITH marks AS (
    SELECT hour_utc, mark_price, is_stale, source
    FROM mart.market_balance
    WHERE coin = $coin AND date >= $first::DATE AND hour_utc >= $first AND date <= $last::DATE AND hour_utc <= $last
        AND distance_bp = 100
),

bars AS (
    SELECT
        min(low) AS lowest, max(high) AS highest,
        ops.hour_of(open_utc + to_minutes(interval_minutes)) AS hour_utc
    FROM core.price_bars
    WHERE coin = $coin AND open_utc >= $first::TIMESTAMP - INTERVAL 1 HOUR AND open_utc < $last
    GROUP BY ALL
)

SELECT * FROM marks LEFT JOIN bars USING (hour_utc);
