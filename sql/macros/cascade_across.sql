-- cascade_across(coin, as_of := NULL)
--
-- Whose liquidations would reach whose positions: each exchange's own, up to the far edge of the cluster in which it
-- holds most, and what stands on every exchange in the range to which they alone would then move the price. Modelled; no
-- rows mean that there is no cluster, or that volatility or volume is not known.
--
-- coin    a coin of the warehouse; another is refused
-- as_of   a moment, in UTC or with its zone; default: the last published hour. An hour without a map is refused
--
-- Columns and their units are those of mart.cascade_reach.
--
-- Example: FROM cascade_across('BTC');
CREATE MACRO cascade_across(coin, as_of := NULL) AS TABLE
WITH hour AS MATERIALIZED (
    FROM map_hour(coin, as_of := as_of)
)

SELECT r.*
FROM mart.cascade_reach AS r
JOIN hour AS h ON r.date = h.hour_utc::DATE AND r.hour_utc = h.hour_utc
WHERE r.coin = ops.known(coin)
ORDER BY r.side, r.pushing_usd DESC, r.exchange, r.reached_usd DESC, r.reached_exchange;
