-- A time as a TIMESTAMP in UTC. A time without a zone is UTC, regardless of the client's zone; a TIMESTAMPTZ is
-- recognised by the offset that it prints.
CREATE MACRO ops.moment(x) AS CASE
    WHEN regexp_matches(x::VARCHAR, ':[0-9:.]* *[^0-9:. ]')
        THEN make_timestamp(epoch_us(x::VARCHAR::TIMESTAMPTZ))
    ELSE x::VARCHAR::TIMESTAMP
END;
