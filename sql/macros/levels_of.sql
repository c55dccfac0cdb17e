-- levels_of(coin)
--
-- The rows of mart.liquidation_levels for one coin. Faster than the view, because it reads that coin's files only and
-- does not list those of other coins. Modelled.
--
-- coin   a coin in the warehouse; any other is an error
--
-- Columns and their units are those of mart.liquidation_levels. Filter by `date` as well as by `hour_utc`, so that only
-- one day's file is read.
--
-- Example: SELECT hour_utc, count(*) AS levels FROM levels_of('BTC') GROUP BY hour_utc ORDER BY hour_utc;
CREATE MACRO levels_of(coin) AS TABLE
SELECT l.* FROM ops.rows_of(coin, 'mart.liquidation_levels') AS l;
