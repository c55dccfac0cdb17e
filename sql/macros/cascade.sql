-- cascade(coin, as_of := NULL)
--
-- Whether a liquidation cascade would be self-sustaining: from which price, how far and by how much, for each side.
-- Modelled.
--
-- coin    a coin in the warehouse; any other is an error
-- as_of   a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error
--
-- One row for longs, below the mark, and one for shorts, above it, all exchanges together. trigger_price is null if no
-- move liquidates enough to sustain itself; largest_ratio shows how close it comes, with 1 as the threshold. Both are
-- null while volatility or volume is unknown, as on the first day.
--
-- Columns and their units are those of mart.cascade_risk, and
--
-- largest_ratio_percentile   share of the hours of the 90 days before with a lower largest_ratio on that side, percent: 100
--                            is the highest; null with fewer than 24 of them. A rank among hours, not a probability
--
-- Example: FROM cascade('BTC');
CREATE MACRO cascade(coin, as_of := NULL) AS TABLE
WITH hour AS MATERIALIZED (
    FROM map_hour(coin, as_of := as_of)
),

found AS MATERIALIZED (
    FROM ops.cascade_of(coin, (SELECT h.hour_utc FROM hour AS h))
)

SELECT f.*
FROM hour AS h
LEFT JOIN found AS f ON true
WHERE ops.refuse_unless(f.hour_utc IS NOT NULL, ops.older_than('cascade', coin, h.hour_utc))
ORDER BY f.side;
