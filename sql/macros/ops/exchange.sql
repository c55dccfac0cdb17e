-- The name of an exchange, in whatever case it is written; NULL is every exchange.
CREATE MACRO ops.exchange(x) AS CASE
    WHEN x IS NULL OR lower(x::VARCHAR) IN ('binance', 'bybit', 'okx') THEN lower(x::VARCHAR)
    ELSE error(format('no exchange {}; there are binance, bybit, okx', x::VARCHAR))::VARCHAR
END;
