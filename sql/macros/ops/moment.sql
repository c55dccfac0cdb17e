-- A time as a TIMESTAMP in UTC, NULL for NULL; an error for anything else. A time without a zone is UTC, regardless of
-- the client's zone; a TIMESTAMPTZ is recognised by the offset that it prints.
CREATE MACRO ops.moment(x) AS CASE
    WHEN x IS NULL THEN NULL
    WHEN try_cast(x::VARCHAR AS TIMESTAMPTZ) IS NULL
        THEN error(format('{} is not a time; write e.g. ''2026-01-12 00:30''', x::VARCHAR))::TIMESTAMP
    WHEN regexp_matches(x::VARCHAR, ':[0-9:.]* *[^0-9:. ]')
        THEN make_timestamp(epoch_us(try_cast(x::VARCHAR AS TIMESTAMPTZ)))
    ELSE try_cast(x::VARCHAR AS TIMESTAMP)
END;
