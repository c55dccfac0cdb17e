-- The notional of each exchange in each cluster, and its share of the cluster.
--
-- Dollars are added as decimals: exact, so that the order of rows does not matter.
WITH clusters AS (
    SELECT *, round(ln(price_low) / ln(1.001)) AS lowest, round(ln(price_high) / ln(1.001)) - 1 AS highest
    FROM liquidation_clusters
),

held AS (
    SELECT c.coin, c.hour_utc, c.side, c.rank, l.exchange, sum(l.notional_usd::DECIMAL(18, 6)) AS usd
    FROM clusters AS c
    JOIN liquidation_levels AS l
        ON l.coin = c.coin AND l.hour_utc = c.hour_utc AND l.side = c.side
        AND l.price_bucket BETWEEN c.lowest AND c.highest
    GROUP BY ALL
    HAVING usd > 0
)

SELECT
    c.coin, c.date, c.hour_utc, c.side, c.rank, c.cluster_id, h.exchange, h.usd::DOUBLE AS notional_usd,
    h.usd::DOUBLE / (sum(h.usd) OVER (PARTITION BY c.coin, c.hour_utc, c.side, c.rank))::DOUBLE AS share,
    c.mark_price, c.is_stale, c.parameters_version, c.source
FROM held AS h
JOIN liquidation_clusters AS c USING (coin, hour_utc, side, rank)
