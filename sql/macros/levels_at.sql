-- levels_at(coin, as_of := NULL, exchange := NULL)
--
-- The rows of mart.liquidation_levels for one coin and hour. Reads one day's file. Modelled.
--
-- coin       a coin in the warehouse; any other is an error
-- as_of      a time, in UTC or with a zone, e.g. '2026-01-12 00:30', rounded down to the hour. Default: the coin's
--            latest published hour. An hour without a map is an error
-- exchange   one exchange; default or `all`: every exchange. One without a map in that hour is an error
--
-- Columns and their units are those of mart.liquidation_levels.
--
-- Example: SELECT exchange, side, count(*) AS levels FROM levels_at('BTC') GROUP BY ALL ORDER BY ALL;
CREATE MACRO levels_at(coin, as_of := NULL, exchange := NULL) AS TABLE
SELECT l.*
FROM levels_of(coin) AS l
JOIN map_hour(coin, as_of := as_of, exchange := exchange) AS h ON l.hour_utc = h.hour_utc
WHERE l.date >= coalesce(ops.moment(as_of)::DATE, ops.last_day(coin))
    AND (as_of IS NULL OR l.date = ops.moment(as_of)::DATE)
    AND (ops.exchange(exchange) IS NULL OR l.exchange = ops.exchange(exchange));
