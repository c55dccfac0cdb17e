-- summary_at(coin, as_of := NULL)
--
-- The hour in one row: mark, max pain, magnets, voids, notional within 1, 2 and 5 % on each side, and the price at
-- which a cascade would begin. Modelled.
--
-- coin    a coin in the warehouse; any other is an error
-- as_of   a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error
--
-- Columns and their units are those of mart.market_summary.
--
-- Example: FROM summary_at('BTC');
CREATE MACRO summary_at(coin, as_of := NULL) AS TABLE
WITH hour AS MATERIALIZED (
    FROM map_hour(coin, as_of := as_of)
),

found AS MATERIALIZED (
    SELECT s.*
    FROM mart.market_summary AS s
    JOIN hour AS h ON s.month = strftime(h.hour_utc, '%Y-%m') AND s.hour_utc = h.hour_utc
    WHERE s.coin = ops.known(coin)
)

SELECT f.*
FROM hour AS h
LEFT JOIN found AS f ON true
WHERE ops.refuse_unless(f.hour_utc IS NOT NULL, ops.older_than('summary', coin, h.hour_utc));
