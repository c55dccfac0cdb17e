CREATE MACRO balance(coin, as_of := NULL) AS TABLE FROM imbalance(coin, as_of := as_of);
