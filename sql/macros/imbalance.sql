-- imbalance(coin, as_of := NULL)
--
-- Which side is heavier within 1, 2, 5 and 10 % of the mark, and how that was a day before. Modelled.
--
-- coin    a coin of the warehouse; another is refused
-- as_of   a moment, in UTC or with its zone; default: the last published hour. An hour without a map is refused
--
-- hour_utc               the hour of the map, UTC
-- distance_bp            how far from the mark, 0.01 %
-- long_usd, short_usd    modelled notional within the distance, below and above the mark, exchanges added up, USD
-- imbalance              (long - short) / (long + short): positive where longs are heavier; null where nothing stands
-- imbalance_day_before   the same 24 hours earlier; null where there is no map of then
-- mark_price             average of the exchanges' marks, USD
-- is_stale               an exchange is carried from an earlier hour
-- parameters_version     the assumptions, in model.model_parameters
-- source                 simulated, recorded, live or imported
--
-- Example: FROM imbalance('BTC');
CREATE MACRO imbalance(coin, as_of := NULL) AS TABLE
WITH hour AS MATERIALIZED (
    FROM map_hour(coin, as_of := as_of)
),

now AS (
    SELECT b.*
    FROM ops.rows_of(coin, 'mart.market_balance') AS b
    JOIN hour AS h ON b.date = h.hour_utc::DATE AND b.hour_utc = h.hour_utc
),

day_before AS (
    SELECT b.distance_bp, b.imbalance
    FROM ops.rows_of(coin, 'mart.market_balance') AS b
    JOIN hour AS h ON b.date = h.hour_utc::DATE - 1 AND b.hour_utc = h.hour_utc - INTERVAL 1 DAY
)

SELECT
    hour_utc, distance_bp, long_usd, short_usd, n.imbalance, d.imbalance AS imbalance_day_before, mark_price, is_stale,
    parameters_version, source
FROM now AS n
LEFT JOIN day_before AS d USING (distance_bp)
ORDER BY distance_bp;
