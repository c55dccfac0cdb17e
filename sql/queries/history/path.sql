-- The mark at the end of each hour with its lowest and highest value; without bars all three are the mark.
WITH ranges AS (
    SELECT hour_utc, min(lowest_mark_price) AS low, max(highest_mark_price) AS high
    FROM mart.sweeps
    WHERE coin = $coin AND date >= $since::DATE AND exchange = $exchange
    GROUP BY hour_utc
)

SELECT b.hour_utc, b.mark_price, coalesce(low, b.mark_price) AS lowest, coalesce(high, b.mark_price) AS highest
FROM mart.market_balance AS b LEFT JOIN ranges USING (hour_utc)
WHERE b.coin = $coin AND b.date >= $since::DATE AND b.hour_utc > $since AND b.hour_utc <= $hour
    AND b.distance_bp = 100
ORDER BY hour_utc;
