-- long_vs_short(coin, above, below, as_of := NULL, exchange := NULL)
--
-- Which carries more: the shorts up to a price above the mark or the longs down to a price below it, and by what
-- ratio. The field calls these sums cumulative liquidation intensity. Modelled.
--
-- coin           a coin of the warehouse; another is refused
-- above, below   the two prices, USD; one that is not on its side of every exchange's mark, or
--                that no map of the hour reaches, is refused
-- as_of          a moment, in UTC or with its zone; default: the last published hour. An hour without a map is refused
-- exchange       one exchange; default: every one, added up
--
-- hour_utc             the hour of the map, UTC
-- above, below         the two prices, USD
-- short_usd            modelled notional of shorts from each mark up to `above`, its bucket included, USD
-- long_usd             modelled notional of longs from each mark down to `below`, its bucket included, USD
-- heavier_side              long or short; null where both are the same
-- ratio               the heavier_side over the lighter; null where the lighter has nothing
-- parameters_version   the assumptions, in model.model_parameters
-- source               simulated, recorded, live or imported
--
-- Example: FROM long_vs_short('BTC', 110000, 90000);
CREATE MACRO long_vs_short(coin, above, below, as_of := NULL, exchange := NULL) AS TABLE
WITH sums AS (
    SELECT
        max(l.hour_utc) AS hour_utc,
        coalesce(sum(l.notional_usd::DECIMAL(18, 6)) FILTER (
            l.side = 'short' AND l.price_bucket <= ops.price_bucket(above)
        ), 0) AS short_usd,
        coalesce(sum(l.notional_usd::DECIMAL(18, 6)) FILTER (
            l.side = 'long' AND l.price_bucket >= ops.price_bucket(below)
        ), 0) AS long_usd,
        min(l.mark_price) AS lowest_mark, max(l.mark_price) AS highest_mark,
        min(l.price_bucket) AS first_bucket, max(l.price_bucket) AS last_bucket,
        max(l.parameters_version) AS parameters_version, max(l.source) AS source
    FROM levels_at(coin, as_of := as_of, exchange := exchange) AS l
)

SELECT
    hour_utc, ops.price(above) AS above, ops.price(below) AS below, short_usd::DOUBLE AS short_usd,
    long_usd::DOUBLE AS long_usd,
    CASE WHEN short_usd > long_usd THEN 'short' WHEN long_usd > short_usd THEN 'long' END AS heavier_side,
    greatest(short_usd, long_usd)::DOUBLE / nullif(least(short_usd, long_usd)::DOUBLE, 0) AS ratio,
    parameters_version, source
FROM sums
WHERE ops.refuse_unless(ops.price(above) > highest_mark AND ops.price(below) < lowest_mark, format(
    '{} to {} is not around the marks of {}: they stand at {:.2f} to {:.2f}', below, above, coin, lowest_mark,
    highest_mark
))
    AND ops.is_reached(coin, above, first_bucket, last_bucket)
    AND ops.is_reached(coin, below, first_bucket, last_bucket);
