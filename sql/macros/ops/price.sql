-- A price in USD as a DOUBLE; an error for anything else.
CREATE MACRO ops.price(x) AS CASE
    WHEN try_cast(x AS DOUBLE) > 0 AND isfinite(try_cast(x AS DOUBLE)) THEN try_cast(x AS DOUBLE)
    ELSE error(coalesce(x::VARCHAR, 'NULL') || ' is not a price; write e.g. 95000')::DOUBLE
END;
