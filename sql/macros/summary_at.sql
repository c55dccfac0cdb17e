-- summary_at(coin, as_of := NULL)
--
-- The hour in one row: mark, max pain, magnets, voids, what stands within 1, 2 and 5 % of either side, and where a cascade
-- would begin. Modelled.
--
-- coin    a coin of the warehouse; another is refused
-- as_of   a moment, in UTC or with its zone; default: the last published hour. An hour without a map is refused
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
WHERE ops.refuse_unless(f.hour_utc IS NOT NULL, ops.older_than('summary_at', coin, h.hour_utc));
