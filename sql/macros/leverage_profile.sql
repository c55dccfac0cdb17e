-- leverage_profile(coin, as_of := NULL, span := 0.05, exchange := NULL)
--
-- At which leverage the positions near the mark stand, and how much of that was opened today. Modelled.
--
-- coin       a coin of the warehouse; another is refused
-- as_of      a moment, in UTC or with its zone; default: the last published hour. An hour without a map is refused
-- span       how far from each exchange's own mark, as a share of it: 0.05 is 5 %; at most 0.25, as far as the map goes
-- exchange   one exchange; default: every one, added up
--
-- hour_utc             the hour of the map, UTC
-- side                 of the positions that would be liquidated: long or short
-- leverage_class       effective leverage
-- notional_usd         modelled notional within the span, USD
-- notional_1d_usd      of it, positions opened in the last day, USD
-- share                the class's share of its side; null where the side has nothing there
-- parameters_version   the assumptions, in model.model_parameters
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
