-- map_hour(coin, as_of := NULL, exchange := NULL)
--
-- The hour of the map that the other macros read: the hour of `as_of`, or the coin's latest published hour. Modelled
-- maps.
--
-- coin       a coin in the warehouse; any other is an error
-- as_of      a time, in UTC or with a zone, e.g. '2026-01-12 00:30', rounded down to the hour. An hour without a map is
--            an error
-- exchange   one exchange that must have a map in that hour; default or `all`: any
--
-- hour_utc   end of the hour, UTC; one row
--
-- Example: FROM map_hour('BTC');
CREATE MACRO map_hour(coin, as_of := NULL, exchange := NULL) AS TABLE
-- max() returns a row even if nothing was found, so that the error is raised.
SELECT coalesce(max(l.hour_utc), error(format(
    'no map of {}{} at {}; there are maps from {} to {}', coin, coalesce(' on ' || ops.exchange(exchange), ''),
    coalesce(strftime(date_trunc('hour', ops.moment(as_of)), '%Y-%m-%d %H:%M'), 'its last hour'),
    ops.first_day(coin)::VARCHAR, ops.last_day(coin)::VARCHAR
))::TIMESTAMP) AS hour_utc
FROM levels_of(coin) AS l
WHERE l.date >= coalesce(ops.moment(as_of)::DATE, ops.last_day(coin))
    AND (as_of IS NULL OR (l.date = ops.moment(as_of)::DATE AND l.hour_utc = date_trunc('hour', ops.moment(as_of))))
    AND (ops.exchange(exchange) IS NULL OR l.exchange = ops.exchange(exchange));
