-- levels_at(coin, as_of := NULL, exchange := NULL)
--
-- The rows of mart.liquidation_levels of one coin in one hour. Reads one day's file. Modelled.
--
-- coin       a coin of the warehouse; another is refused
-- as_of      a moment in UTC, e.g. '2026-01-12 00:30'; its full hour counts. Default: the last hour that is published
--            of the coin. An hour without a map is refused
-- exchange   one exchange; default: every one. One that is not in the map is refused
--
-- Columns and their units are those of mart.liquidation_levels.
--
-- Example: SELECT exchange, side, count(*) AS levels FROM levels_at('BTC') GROUP BY ALL ORDER BY ALL;
CREATE MACRO levels_at(coin, as_of := NULL, exchange := NULL) AS TABLE
WITH of_days AS MATERIALIZED (
    SELECT l.*
    FROM levels_of(coin) AS l
    WHERE l.date >= coalesce(as_of::DATE, ops.last_day(coin))
        AND (as_of IS NULL OR (l.date = as_of::DATE AND l.hour_utc = date_trunc('hour', as_of::TIMESTAMP)))
        AND (exchange IS NULL OR l.exchange = exchange)
),

-- One row, also where nothing was found: that is what is told.
hour AS (
    SELECT coalesce(max(hour_utc), error(format(
        'no map of {}{} at {}; there are maps from {} to {}', coin, coalesce(' on ' || exchange, ''),
        coalesce(strftime(date_trunc('hour', as_of::TIMESTAMP), '%Y-%m-%d %H:%M'), 'its last hour'),
        ops.first_day(coin)::VARCHAR, ops.last_day(coin)::VARCHAR
    ))::TIMESTAMP) AS hour_utc
    FROM of_days
)

SELECT l.* FROM of_days AS l JOIN hour AS h ON l.hour_utc = h.hour_utc;
