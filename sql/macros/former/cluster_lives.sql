CREATE MACRO cluster_lives(coin, since := NULL, until := NULL) AS TABLE
FROM cluster_lifecycles(coin, since := since, until := until);
