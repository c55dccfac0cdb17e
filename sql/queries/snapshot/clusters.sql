-- The clusters of an hour, each with the exchange that holds the largest share of it.
SELECT c.*, s.exchange AS lead_exchange, s.share AS lead_share
FROM mart.liquidation_clusters AS c
LEFT JOIN mart.cluster_shares AS s
    ON s.coin = c.coin AND s.date = c.date AND s.hour_utc = c.hour_utc AND s.side = c.side AND s.rank = c.rank
WHERE c.coin = $coin AND c.date = $date AND c.hour_utc = $hour
QUALIFY row_number() OVER (PARTITION BY c.side, c.rank ORDER BY s.share DESC, s.exchange) = 1;
