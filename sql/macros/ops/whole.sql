-- A whole number of at least 1; an error that names the argument for anything else.
CREATE MACRO ops.whole(x, name) AS CASE
    WHEN try_cast(x AS BIGINT) >= 1 AND try_cast(x AS BIGINT) = try_cast(x AS DOUBLE) THEN try_cast(x AS BIGINT)
    ELSE error(name || ' is ' || coalesce(x::VARCHAR, 'NULL') || '; write a whole number from 1 on')::BIGINT
END;
