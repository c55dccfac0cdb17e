-- A table of one file.
CREATE VIEW {{table}} AS
SELECT {{columns}}
FROM read_parquet({{files}}) AS file;
