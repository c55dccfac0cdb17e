-- exchange_share(coin, as_of := NULL, span := 0.05)
--
-- Which exchange carries how much of what would be liquidated near the mark, by side. Modelled.
--
-- coin    a coin of the warehouse; another is refused
-- as_of   a moment, in UTC or with its zone; default: the last published hour. An hour without a map is refused
-- span    how far from each exchange's own mark, as a share of it: 0.05 is 5 %; at most 0.25, as far as the map goes
--
-- hour_utc             the hour of the map, UTC
-- exchange, side       the exchange, long or short
-- notional_usd         modelled notional within the span, USD
-- share                the exchange's share of its side; null where nobody has anything there
-- mark_price           the exchange's own mark, USD
-- is_stale             carried from an earlier hour, as the exchange was missing
-- parameters_version   the assumptions, in model.model_parameters
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
