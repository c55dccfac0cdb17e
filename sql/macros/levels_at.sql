-- levels_at(coin, as_of := NULL, exchange := NULL)
--
-- The rows of mart.liquidation_levels of one coin in one hour. Reads one day's file. Modelled.
--
-- coin       a coin of the warehouse; another is refused
-- as_of      a moment, in UTC or with its zone, e.g. '2026-01-12 00:30'; its full hour counts. Default: the last
--            hour that is published of the coin. An hour without a map is refused
-- exchange   one exchange; default: every one. One that is not in the map is refused
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
    AND (exchange IS NULL OR l.exchange = ops.exchange(exchange));
