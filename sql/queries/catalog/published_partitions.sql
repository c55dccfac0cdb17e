-- An hourly table of model or mart, up to the watermark.
CREATE VIEW {{table}} AS
SELECT {{columns}}
FROM read_parquet({{files}}, hive_partitioning = true, hive_types = { {{types}} }) AS file
WHERE file.hour_utc <= (SELECT max(hour_utc) FROM read_parquet({{watermark}}));
