-- The exchanges in the map of an hour, with their marks and the last hour with fresh data.
WITH of_hour AS (
    SELECT exchange, first(mark_price ORDER BY instrument) AS mark_price, bool_or(is_stale) AS is_stale
    FROM mart.liquidation_levels
    WHERE coin = $coin AND date = $date AND hour_utc = $hour
    GROUP BY exchange
),

fresh AS (
    SELECT exchange, max(hour_utc) AS fresh_at_utc
    FROM model.position_ledger
    WHERE coin = $coin AND hour_utc <= $hour AND NOT is_stale
    GROUP BY exchange
)

SELECT * FROM of_hour LEFT JOIN fresh USING (exchange) ORDER BY list_position($exchanges, exchange);
