-- Which price ranges, 1 % wide and 2 to 10 % from the mark, have the least notional to liquidate?
-- Modelled.
WITH ranges AS (
    SELECT
        any_value(b.mark_price) AS mark, min(m.price_low) AS from_price, max(m.price_high) AS to_price,
        (sum((m.long_usd + m.short_usd)::DECIMAL(38, 6)) / 1e6)::DOUBLE AS million_usd
    FROM liquidation_map('BTC', span := 0.12) AS m
    JOIN imbalance('BTC') AS b ON m.exchange = 'all' AND b.distance_bp = 100
    GROUP BY floor(m.price_bucket / 10)
)

SELECT
    CASE WHEN to_price < mark THEN 'below' ELSE 'above' END AS position, round(from_price) AS from_price,
    round(to_price) AS to_price, round(million_usd, 2) AS million_usd
FROM ranges
WHERE from_price BETWEEN mark * 1.02 AND mark * 1.09 OR to_price BETWEEN mark * 0.91 AND mark * 0.98
QUALIFY row_number() OVER (PARTITION BY position ORDER BY ranges.million_usd) <= 3
ORDER BY position, ranges.million_usd;
