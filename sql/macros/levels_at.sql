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
WITH days AS MATERIALIZED (
    SELECT min(parse_path(file)[-2][6:]::DATE) AS first_day, max(parse_path(file)[-2][6:]::DATE) AS last_day
    FROM glob(ops.files_of(coin, 'liquidation_levels'))
),

of_day AS MATERIALIZED (
    SELECT l.*
    FROM levels_of(coin) AS l
    JOIN days ON l.date = coalesce(as_of::DATE, last_day)
    WHERE (as_of IS NULL OR l.hour_utc = date_trunc('hour', as_of::TIMESTAMP))
        AND (exchange IS NULL OR l.exchange = exchange)
),

-- One row, also where nothing was found: that is what is told.
hour AS (
    SELECT coalesce(max(hour_utc), error(format(
        'no map of {}{} at {}; there are maps from {} to {}', coin, coalesce(' on ' || exchange, ''),
        coalesce(strftime(date_trunc('hour', as_of::TIMESTAMP), '%Y-%m-%d %H:%M'), 'its last hour'),
        any_value(first_day)::VARCHAR, any_value(last_day)::VARCHAR
    ))::TIMESTAMP) AS hour_utc
    FROM days LEFT JOIN of_day ON true
)

SELECT l.* FROM of_day AS l JOIN hour AS h ON l.hour_utc = h.hour_utc;
