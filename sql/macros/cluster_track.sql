-- cluster_track(coin, track_id := NULL)
--
-- One cluster from hour to hour, from its birth to its end. Modelled, except realised_usd, which is published.
--
-- coin       a coin in the warehouse; any other is an error
-- track_id   a track, as named in mart.cluster_history and cluster_lifecycles; default: the largest active one in the
--            latest published hour. An unknown track is an error
--
-- Columns and their units are those of mart.cluster_history.
--
-- Example: FROM cluster_track('BTC');
CREATE MACRO cluster_track(coin, track_id := NULL) AS TABLE
WITH largest AS (
    SELECT h.track_id AS named
    FROM mart.cluster_history AS h
    JOIN map_hour(coin) AS now ON h.date = now.hour_utc::DATE AND h.hour_utc = now.hour_utc
    WHERE h.coin = ops.known(coin) AND h.track_status = 'active'
    ORDER BY h.notional_usd DESC, h.track_id
    LIMIT 1
),

wanted AS MATERIALIZED (
    SELECT coalesce(track_id::VARCHAR, max(named)) AS named FROM largest
),

own AS MATERIALIZED (
    SELECT h.* FROM mart.cluster_history AS h JOIN wanted ON h.track_id = named WHERE h.coin = ops.known(coin)
)

SELECT o.*
FROM wanted
LEFT JOIN own AS o ON true
WHERE ops.refuse_unless(o.track_id IS NOT NULL, format(
    'no {} of {}; list the tracks with: FROM cluster_lifecycles(''{}'')', coalesce('track ' || named, 'active track'),
    coin, coin
))
ORDER BY o.hour_utc;
