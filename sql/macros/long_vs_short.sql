-- long_vs_short(coin, above, below, as_of := NULL, exchange := NULL)
--
-- Shorts up to a price above the mark against longs down to a price below it: which side is heavier, and by what ratio.
-- The field calls these sums cumulative liquidation intensity. Modelled.
--
-- coin           a coin in the warehouse; any other is an error
-- above, below   the two prices, USD; each must lie on its side of every exchange's mark and within the map of the hour
-- as_of          a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error
-- exchange       one exchange; default or `all`: the sum over all exchanges
--
-- hour_utc             end of the map's hour, UTC
-- above, below         the two prices, USD
-- short_usd            modelled notional of shorts from each mark up to `above`, including its bucket, USD
-- short_p10_usd, short_p90_usd
--                      its 10th and 90th percentile, USD: 80 % credible interval
-- long_usd             modelled notional of longs from each mark down to `below`, including its bucket, USD
-- long_p10_usd, long_p90_usd
--                      its 10th and 90th percentile, USD
-- heavier_side         long or short; null if both are equal
-- ratio                the heavier side divided by the lighter; null if the lighter is zero
-- parameters_version   version of the parameters, a key of model.model_parameters
-- source               simulated, recorded, live or imported
--
-- Example: FROM long_vs_short('BTC', 110000, 90000);
CREATE MACRO long_vs_short(coin, above, below, as_of := NULL, exchange := NULL) AS TABLE
WITH levels AS (
    SELECT
        l.*, l.side = 'short' AND l.price_bucket <= ops.price_bucket(above) AS is_above,
        l.side = 'long' AND l.price_bucket >= ops.price_bucket(below) AS is_below
    FROM ops.levels_with_errors(coin, as_of, exchange) AS l
),

sums AS (
    SELECT
        max(l.hour_utc) AS hour_utc, coalesce(sum(usd) FILTER (is_above), 0) AS short_usd,
        ops.band_factor(
            coalesce(sum(usd) FILTER (is_above), 0), sum(fit_usd) FILTER (is_above), sum(gap_usd) FILTER (is_above)
        ) AS short_factor,
        coalesce(sum(usd) FILTER (is_below), 0) AS long_usd,
        ops.band_factor(
            coalesce(sum(usd) FILTER (is_below), 0), sum(fit_usd) FILTER (is_below), sum(gap_usd) FILTER (is_below)
        ) AS long_factor,
        min(l.mark_price) AS lowest_mark, max(l.mark_price) AS highest_mark,
        min(l.price_bucket) AS first_bucket, max(l.price_bucket) AS last_bucket,
        max(l.parameters_version) AS parameters_version, max(l.source) AS source
    FROM levels AS l
)

SELECT
    hour_utc, ops.price(above) AS above, ops.price(below) AS below, short_usd::DOUBLE AS short_usd,
    short_usd::DOUBLE / short_factor AS short_p10_usd, short_usd::DOUBLE * short_factor AS short_p90_usd,
    long_usd::DOUBLE AS long_usd, long_usd::DOUBLE / long_factor AS long_p10_usd,
    long_usd::DOUBLE * long_factor AS long_p90_usd,
    CASE WHEN short_usd > long_usd THEN 'short' WHEN long_usd > short_usd THEN 'long' END AS heavier_side,
    greatest(short_usd, long_usd)::DOUBLE / nullif(least(short_usd, long_usd)::DOUBLE, 0) AS ratio,
    parameters_version, source
FROM sums
WHERE ops.refuse_unless(ops.price(above) > highest_mark AND ops.price(below) < lowest_mark, format(
    '{} and {} must lie below and above the marks of {}, which range from {:.2f} to {:.2f}', below, above, coin,
    lowest_mark, highest_mark
))
    AND ops.is_reached(coin, above, first_bucket, last_bucket)
    AND ops.is_reached(coin, below, first_bucket, last_bucket);
