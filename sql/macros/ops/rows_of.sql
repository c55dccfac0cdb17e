-- The published rows of a coin, for tables that have a file for each day of the map.
CREATE MACRO ops.rows_of(coin, name) AS TABLE
SELECT * REPLACE (r.coin::VARCHAR AS coin)
FROM read_parquet(
    ops.files_of(coin, name), hive_partitioning = true, hive_types = {'coin': 'VARCHAR', 'date': 'DATE'}
) AS r
WHERE r.hour_utc <= (SELECT max(w.hour_utc) FROM ops.watermark AS w);
