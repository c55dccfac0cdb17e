-- A share of the price from 0 to 0.25, which is as far as the map reaches; an error for anything else.
CREATE MACRO ops.distance(x) AS CASE
    WHEN try_cast(x AS DOUBLE) BETWEEN 0 AND 0.25 THEN try_cast(x AS DOUBLE)
    ELSE error(
        coalesce(x::VARCHAR, 'NULL') || ' is not a share of the price that the map reaches, 0 to 0.25; '
        || 'write e.g. 0.05 for 5 %'
    )::DOUBLE
END;
