CREATE MACRO heavier_side(coin, above, below, as_of := NULL, exchange := NULL) AS TABLE
FROM long_vs_short(coin, above, below, as_of := as_of, exchange := exchange);
