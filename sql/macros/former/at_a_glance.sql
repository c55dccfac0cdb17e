CREATE MACRO at_a_glance(coin, as_of := NULL) AS TABLE FROM summary_at(coin, as_of := as_of);
