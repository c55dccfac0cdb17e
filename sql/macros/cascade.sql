-- cascade(coin, as_of := NULL)
--
-- Whether liquidations would feed themselves: from which price, how far, and by how much, each side by itself.
-- Modelled.
--
-- coin    a coin of the warehouse; another is refused
-- as_of   a moment, in UTC or with its zone; default: the last published hour. An hour without a map is refused
--
-- A row for longs, below the mark, and one for shorts, above it, exchanges added up. trigger_price is null where a move
-- nowhere liquidates enough to go on by itself; largest_ratio says how near to that it comes: 1 would do. Both are null
-- where volatility or volume is not known yet, as on the first day.
--
-- Columns and their units are those of mart.cascade_risk.
--
-- Example: FROM cascade('BTC');
CREATE MACRO cascade(coin, as_of := NULL) AS TABLE
WITH hour AS MATERIALIZED (
    FROM map_hour(coin, as_of := as_of)
),

found AS MATERIALIZED (
    SELECT c.*
    FROM mart.cascade_risk AS c
    JOIN hour AS h ON c.date = h.hour_utc::DATE AND c.hour_utc = h.hour_utc
    WHERE c.coin = ops.known(coin)
)

SELECT f.*
FROM hour AS h
LEFT JOIN found AS f ON true
WHERE ops.refuse_unless(f.hour_utc IS NOT NULL, ops.older_than('cascade', coin, h.hour_utc))
ORDER BY f.side;
