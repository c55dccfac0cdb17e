-- life_history(coin, life_id := NULL)
--
-- One cluster from hour to hour, from its birth to its end. Modelled; realised_usd alone is what was published.
--
-- coin      a coin of the warehouse; another is refused
-- life_id   a life, as mart.cluster_history and cluster_lives name it; default: the largest that stands in the last
--           published hour. One that there is not is refused
--
-- Columns and their units are those of mart.cluster_history.
--
-- Example: FROM life_history('BTC');
CREATE MACRO life_history(coin, life_id := NULL) AS TABLE
WITH largest AS (
    SELECT h.life_id AS named
    FROM mart.cluster_history AS h
    JOIN map_hour(coin) AS now ON h.date = now.hour_utc::DATE AND h.hour_utc = now.hour_utc
    WHERE h.coin = ops.known(coin) AND h.life_state = 'standing'
    ORDER BY h.notional_usd DESC, h.life_id
    LIMIT 1
),

wanted AS MATERIALIZED (
    SELECT coalesce(life_id::VARCHAR, max(named)) AS named FROM largest
),

own AS MATERIALIZED (
    SELECT h.* FROM mart.cluster_history AS h JOIN wanted ON h.life_id = named WHERE h.coin = ops.known(coin)
)

SELECT o.*
FROM wanted
LEFT JOIN own AS o ON true
WHERE ops.refuse_unless(o.life_id IS NOT NULL, format(
    'no life {} of {}; cluster_lives names those there are', coalesce(named, 'that stands'), coin
))
ORDER BY o.hour_utc;
