-- largest_liquidation_hours(coin, most := 20)
--
-- The hours in which most was liquidated: what the map before said stood in the way, what the model liquidated, and
-- what the exchanges published. Exchanges and sides are added up.
--
-- coin   a coin of the warehouse; another is refused
-- most   how many hours
--
-- hour_utc                  the end of the hour, UTC
-- modelled_usd                 liquidated as modelled, USD; by this the hours are ranked
-- predicted_usd                 modelled: notional that the map of the hour before held where the mark then went, USD; null
--                           before the first map
-- realised_usd              liquidated as published, USD: what `exchanges_reporting` exchanges told; null where none did
-- exchanges_reporting         exchanges whose list or stream of the hour is known
-- long_share                share of longs in modelled_usd
-- lowest, highest           lowest and highest mark of the hour over the exchanges, USD
-- parameters_version        the assumptions, in model.model_parameters
-- source                    simulated, recorded, live or imported
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
