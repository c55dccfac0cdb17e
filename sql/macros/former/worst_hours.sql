CREATE MACRO worst_hours(coin, most := 20) AS TABLE FROM largest_liquidation_hours(coin, most := most);
