-- levels_of(coin)
--
-- The rows of mart.liquidation_levels of one coin. Reads that coin's files only, which the view finds among all
-- coins' files: ask this where speed matters. Modelled.
--
-- coin   a coin of the warehouse; another is refused
--
-- Columns and their units are those of mart.liquidation_levels. Filter by `date` as well as by `hour_utc`: then one
-- day's file is read.
--
-- Example: SELECT hour_utc, count(*) AS levels FROM levels_of('BTC') GROUP BY hour_utc ORDER BY hour_utc;
CREATE MACRO levels_of(coin) AS TABLE
SELECT l.* FROM ops.rows_of(coin, 'mart.liquidation_levels') AS l;
