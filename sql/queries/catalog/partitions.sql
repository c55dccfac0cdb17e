-- A table with one file per partition.
CREATE VIEW {{table}} AS
SELECT {{columns}}
FROM read_parquet({{files}}, hive_partitioning = true, hive_types = { {{types}} }) AS file;
