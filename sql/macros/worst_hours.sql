-- worst_hours(coin, most := 20)
--
-- The hours in which most was liquidated: what the map before said stood in the way, what the model liquidated, and
-- what the exchanges published. Exchanges and sides are added up.
--
-- coin   a coin of the warehouse; another is refused
-- most   how many hours
--
-- hour_utc                  the end of the hour, UTC
-- swept_usd                 liquidated as modelled, USD; by this the hours are ranked
-- stood_usd                 modelled: notional that the map of the hour before held where the mark then went, USD; null
--                           before the first map
-- realised_usd              liquidated as published, USD: what `of_which_realised` exchanges told; null where none did
-- of_which_realised         exchanges whose list or stream of the hour is known
-- long_share                share of longs in swept_usd
-- lowest, highest           lowest and highest mark of the hour over the exchanges, USD
-- parameters_version        the assumptions, in mart.model_parameters
-- source                    simulated, recorded, live or imported
--
-- Example: FROM worst_hours('BTC', most := 5);
CREATE MACRO worst_hours(coin, most := 20) AS TABLE
WITH hours AS (
    SELECT
        s.hour_utc, sum(s.swept_usd::DECIMAL(18, 6)) AS usd,
        coalesce(sum(s.swept_usd::DECIMAL(18, 6)) FILTER (s.side = 'long'), 0) AS long_usd,
        sum(s.stood_usd::DECIMAL(18, 6)) AS stood_usd, sum(s.realised_usd::DECIMAL(18, 6)) AS realised_usd,
        count(DISTINCT s.exchange) FILTER (s.realised_usd IS NOT NULL) AS of_which_realised,
        min(s.lowest_mark_price) AS lowest, max(s.highest_mark_price) AS highest,
        max(s.parameters_version) AS parameters_version, max(s.source) AS source
    FROM ops.rows_of(coin, 'sweeps') AS s
    GROUP BY s.hour_utc
)

SELECT
    hour_utc, usd::DOUBLE AS swept_usd, stood_usd::DOUBLE AS stood_usd, realised_usd::DOUBLE AS realised_usd,
    of_which_realised, long_usd::DOUBLE / nullif(usd::DOUBLE, 0) AS long_share, lowest, highest, parameters_version,
    source
FROM hours
ORDER BY usd DESC NULLS LAST, hour_utc
LIMIT ops.whole(most, 'most');
