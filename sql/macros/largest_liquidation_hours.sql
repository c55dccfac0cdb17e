-- largest_liquidation_hours(coin, most := 20)
--
-- The hours with the largest liquidations: predicted by the map of the hour before, modelled, and published by the
-- exchanges. Sums over exchanges and sides.
--
-- coin   a coin in the warehouse; any other is an error
-- most   number of hours
--
-- hour_utc              end of the hour, UTC
-- modelled_usd          liquidations according to the model, USD; hours are ranked by it
-- predicted_usd         modelled notional that the previous hour's map held in the range that the mark then crossed,
--                       USD; null before the first map
-- realised_usd          liquidations published by the `exchanges_reporting` exchanges, USD; null if none published
-- exchanges_reporting   number of exchanges whose list or stream was read for the hour
-- long_share            share of longs in modelled_usd
-- lowest, highest       lowest and highest mark of the hour across exchanges, USD
-- parameters_version    version of the parameters, a key of model.model_parameters
-- source                simulated, recorded, live or imported
--
-- Example: FROM largest_liquidation_hours('BTC', most := 5);
CREATE MACRO largest_liquidation_hours(coin, most := 20) AS TABLE
WITH hours AS (
    SELECT
        s.hour_utc, sum(s.modelled_usd::DECIMAL(18, 6)) AS usd,
        coalesce(sum(s.modelled_usd::DECIMAL(18, 6)) FILTER (s.side = 'long'), 0) AS long_usd,
        sum(s.predicted_usd::DECIMAL(18, 6)) AS predicted_usd, sum(s.realised_usd::DECIMAL(18, 6)) AS realised_usd,
        count(DISTINCT s.exchange) FILTER (s.realised_usd IS NOT NULL) AS exchanges_reporting,
        min(s.lowest_mark_price) AS lowest, max(s.highest_mark_price) AS highest,
        max(s.parameters_version) AS parameters_version, max(s.source) AS source
    FROM ops.rows_of(coin, 'mart.sweeps') AS s
    GROUP BY s.hour_utc
)

SELECT
    hour_utc, usd::DOUBLE AS modelled_usd, predicted_usd::DOUBLE AS predicted_usd, realised_usd::DOUBLE AS realised_usd,
    exchanges_reporting, long_usd::DOUBLE / nullif(usd::DOUBLE, 0) AS long_share, lowest, highest, parameters_version,
    source
FROM hours
ORDER BY usd DESC NULLS LAST, hour_utc
LIMIT ops.whole(most, 'most');
