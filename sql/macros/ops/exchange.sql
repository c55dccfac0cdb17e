-- The name of an exchange in lower case; NULL and `all` mean every exchange (NULL), an unknown name is an error.
CREATE MACRO ops.exchange(x) AS CASE
    WHEN x IS NULL OR lower(x::VARCHAR) = 'all' THEN NULL
    WHEN lower(x::VARCHAR) IN ('binance', 'bybit', 'okx') THEN lower(x::VARCHAR)
    ELSE error(format('no exchange {}; there are binance, bybit, okx', x::VARCHAR))::VARCHAR
END;
