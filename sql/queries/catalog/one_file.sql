-- A table in one file.
CREATE VIEW {{table}} AS
SELECT {{columns}}
FROM read_parquet({{files}}) AS file;
