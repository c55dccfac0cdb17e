-- map_hour(coin, as_of := NULL)
--
-- The hour that an answer is for: that of the moment `as_of`, or the last that is published of the coin.
--
-- coin    a coin of the warehouse; another is refused
-- as_of   a moment in UTC, e.g. '2026-01-12 00:30'; its full hour counts. An hour without a map is refused
--
-- hour_utc   the hour, UTC; one row
--
-- Example: FROM map_hour('BTC');
CREATE MACRO map_hour(coin, as_of := NULL) AS TABLE
SELECT max(l.hour_utc) AS hour_utc FROM levels_at(coin, as_of := as_of) AS l;
