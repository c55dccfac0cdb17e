-- map_hour(coin, as_of := NULL, exchange := NULL)
--
-- The hour that an answer is for: that of the moment `as_of`, or the last that is published of the coin.
--
-- coin       a coin of the warehouse; another is refused
-- as_of      a moment, in UTC or with its zone, e.g. '2026-01-12 00:30'; its full hour counts. An hour without
--            a map is refused
-- exchange   one exchange, whose map it is; default: any
--
-- hour_utc   the hour, UTC; one row
--
-- Example: FROM map_hour('BTC');
CREATE MACRO map_hour(coin, as_of := NULL, exchange := NULL) AS TABLE
-- One row, also where nothing was found: that is what is told.
SELECT coalesce(max(l.hour_utc), error(format(
    'no map of {}{} at {}; there are maps from {} to {}', coin, coalesce(' on ' || ops.exchange(exchange), ''),
    coalesce(strftime(date_trunc('hour', ops.moment(as_of)), '%Y-%m-%d %H:%M'), 'its last hour'),
    ops.first_day(coin)::VARCHAR, ops.last_day(coin)::VARCHAR
))::TIMESTAMP) AS hour_utc
FROM levels_of(coin) AS l
WHERE l.date >= coalesce(ops.moment(as_of)::DATE, ops.last_day(coin))
    AND (as_of IS NULL OR (l.date = ops.moment(as_of)::DATE AND l.hour_utc = date_trunc('hour', ops.moment(as_of))))
    AND (exchange IS NULL OR l.exchange = ops.exchange(exchange));
