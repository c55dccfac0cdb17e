-- The levels of each hour within the largest judged distance from the mark.
WITH marks AS (
    SELECT hour_utc, mark_price
    FROM mart.market_balance
    WHERE coin = $coin AND date >= $first::DATE AND hour_utc >= $first AND date <= $last::DATE AND hour_utc <= $last
        AND distance_bp = 100
),

levels AS (
    SELECT *
    FROM mart.liquidation_levels
    WHERE coin = $coin AND date >= $first::DATE AND hour_utc >= $first AND date <= $last::DATE AND hour_utc <= $last
)

SELECT DISTINCT hour_utc, side, price_low, price_high
FROM levels JOIN marks AS m USING (hour_utc)
WHERE price_high >= m.mark_price * (1 - $farthest) AND price_low <= m.mark_price * (1 + $farthest);
