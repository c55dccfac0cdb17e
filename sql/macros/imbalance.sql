-- imbalance(coin, as_of := NULL)
--
-- Long against short notional within 1, 2, 5 and 10 % of the mark, with the imbalance of a day before. Modelled.
--
-- coin    a coin in the warehouse; any other is an error
-- as_of   a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error
--
-- hour_utc               end of the map's hour, UTC
-- distance_bp            distance from the mark, 0.01 %
-- long_usd, short_usd    modelled notional within the distance, below and above the mark, sum over all exchanges, USD
-- imbalance              (long - short) / (long + short): positive if longs are heavier; null if both are zero
-- imbalance_day_before   the imbalance 24 hours earlier; null without a map of that hour
-- mark_price             average of the exchanges' marks, USD
-- is_stale               true if an exchange is carried forward from an earlier hour
-- parameters_version     version of the parameters, a key of model.model_parameters
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
