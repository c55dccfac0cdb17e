-- exchange_share(coin, as_of := NULL, span := 0.05)
--
-- The share of each exchange in the notional near the mark, by side. Modelled.
--
-- coin    a coin in the warehouse; any other is an error
-- as_of   a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error
-- span    distance from each exchange's own mark, as a fraction: 0.05 is 5 %; at most 0.25, the range of the map
--
-- hour_utc             end of the map's hour, UTC
-- exchange, side       the exchange, long or short
-- notional_usd         modelled notional within the span, USD
-- share                the exchange's share of its side; null if the side has no notional
-- mark_price           the exchange's own mark, USD
-- is_stale             true if carried forward from an earlier hour because the exchange's data was missing
-- parameters_version   version of the parameters, a key of model.model_parameters
-- source               simulated, recorded, live or imported
--
-- Example: FROM exchange_share('BTC');
CREATE MACRO exchange_share(coin, as_of := NULL, span := 0.05) AS TABLE
WITH sums AS (
    SELECT
        l.hour_utc, l.exchange, l.side,
        coalesce(sum(l.notional_usd::DECIMAL(18, 6)) FILTER (
            abs(sqrt(l.price_low * l.price_high) / l.mark_price - 1) <= ops.distance(span)
        ), 0) AS usd,
        max(l.mark_price) AS mark_price, bool_or(l.is_stale) AS is_stale,
        max(l.parameters_version) AS parameters_version, max(l.source) AS source
    FROM levels_at(coin, as_of := as_of) AS l
    GROUP BY l.hour_utc, l.exchange, l.side
)

SELECT
    hour_utc, exchange, side, usd::DOUBLE AS notional_usd,
    usd::DOUBLE / nullif((sum(usd) OVER (PARTITION BY side))::DOUBLE, 0) AS share, mark_price, is_stale,
    parameters_version, source
FROM sums
ORDER BY side, usd DESC, exchange;
