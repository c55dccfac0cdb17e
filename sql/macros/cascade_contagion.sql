-- cascade_contagion(coin, as_of := NULL)
--
-- Which exchanges' liquidations would hit positions on which other exchanges. Each exchange alone is liquidated up to
-- the far edge of the cluster in which it holds the most; the hit positions are those of every exchange in the range to
-- which these liquidations would then move the price. Modelled; there are no rows without a cluster, volatility or
-- volume.
--
-- coin    a coin in the warehouse; any other is an error
-- as_of   a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error
--
-- Columns and their units are those of mart.cascade_contagion.
--
-- Example: FROM cascade_contagion('BTC');
CREATE MACRO cascade_contagion(coin, as_of := NULL) AS TABLE
WITH hour AS MATERIALIZED (
    FROM map_hour(coin, as_of := as_of)
),

known AS (
    SELECT h.hour_utc, count(c.hour_utc) > 0 AS is_known
    FROM hour AS h
    LEFT JOIN mart.cascade_risk AS c
        ON c.coin = ops.known(coin) AND c.date = h.hour_utc::DATE AND c.hour_utc = h.hour_utc
    GROUP BY h.hour_utc
)

SELECT r.*
FROM known AS k
LEFT JOIN mart.cascade_contagion AS r
    ON r.coin = ops.known(coin) AND r.date = k.hour_utc::DATE AND r.hour_utc = k.hour_utc
-- An hour without rows leaves one null row, which is dropped or raises the error.
WHERE CASE
    WHEN r.hour_utc IS NOT NULL THEN true
    ELSE NOT ops.refuse_unless(is_known, ops.older_than('cascade', coin, k.hour_utc))
END
ORDER BY r.side, r.pushing_usd DESC, r.exchange, r.reached_usd DESC, r.reached_exchange;
