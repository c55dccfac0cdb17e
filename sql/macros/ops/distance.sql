-- A fraction of the price from 0 to 0.25, the range of the map; an error for anything else.
CREATE MACRO ops.distance(x) AS CASE
    WHEN try_cast(x AS DOUBLE) BETWEEN 0 AND 0.25 THEN try_cast(x AS DOUBLE)
    ELSE error(
        coalesce(x::VARCHAR, 'NULL') || ' is not a fraction of the price from 0 to 0.25, the range of the map; '
        || 'write e.g. 0.05 for 5 %'
    )::DOUBLE
END;
