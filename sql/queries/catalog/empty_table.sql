-- A table without files: its columns and types, without rows.
CREATE VIEW {{table}} AS
SELECT {{typed_nulls}}
WHERE false;
