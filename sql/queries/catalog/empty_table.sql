-- A table without a file: no rows, its columns with their types.
CREATE VIEW {{table}} AS
SELECT {{typed_nulls}}
WHERE false;
