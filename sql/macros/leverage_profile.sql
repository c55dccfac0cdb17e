-- leverage_profile(coin, as_of := NULL, span := 0.05, exchange := NULL)
--
-- The notional near the mark by leverage, and the part of it opened in the last day. Modelled.
--
-- coin       a coin in the warehouse; any other is an error
-- as_of      a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error
-- span       distance from each exchange's own mark, as a fraction: 0.05 is 5 %; at most 0.25, the range of the map
-- exchange   one exchange; default or `all`: the sum over all exchanges
--
-- hour_utc             end of the map's hour, UTC
-- side                 side of the positions that would be liquidated: long or short
-- leverage_class       effective leverage
-- notional_usd         modelled notional within the span, USD
-- notional_1d_usd      the part of it opened in the last day, USD
-- share                the class's share of its side; null if the side has no notional
-- parameters_version   version of the parameters, a key of model.model_parameters
-- source               simulated, recorded, live or imported
--
-- Example: FROM leverage_profile('BTC', span := 0.1);
CREATE MACRO leverage_profile(coin, as_of := NULL, span := 0.05, exchange := NULL) AS TABLE
WITH sums AS (
    SELECT
        l.hour_utc, l.side, l.leverage_class, max(l.parameters_version) AS parameters_version, max(l.source) AS source,
        sum(l.notional_usd::DECIMAL(18, 6)) AS usd, sum(l.notional_1d_usd::DECIMAL(18, 6)) AS usd_1d
    FROM levels_at(coin, as_of := as_of, exchange := exchange) AS l
    WHERE abs(sqrt(l.price_low * l.price_high) / l.mark_price - 1) <= ops.distance(span)
    GROUP BY ALL
)

SELECT
    hour_utc, side, leverage_class, usd::DOUBLE AS notional_usd, usd_1d::DOUBLE AS notional_1d_usd,
    usd::DOUBLE / nullif((sum(usd) OVER (PARTITION BY side))::DOUBLE, 0) AS share, parameters_version, source
FROM sums
ORDER BY side, rtrim(leverage_class, 'x+')::DOUBLE DESC;
