CREATE MACRO cascade_across(coin, as_of := NULL) AS TABLE FROM cascade_contagion(coin, as_of := as_of);
