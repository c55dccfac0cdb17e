-- A moment as a TIMESTAMP in UTC. A moment without a zone is UTC, whatever the client's zone; a TIMESTAMPTZ prints
-- with its offset.
CREATE MACRO ops.moment(x) AS CASE
    WHEN regexp_matches(x::VARCHAR, ':[0-9:.]* *[^0-9:. ]')
        THEN make_timestamp(epoch_us(x::VARCHAR::TIMESTAMPTZ))
    ELSE x::VARCHAR::TIMESTAMP
END;
