-- Spill-over of liquidations between exchanges.
--
-- For each exchange alone, the mark sweeps its notional up to the far edge of the cluster in which it holds the most.
-- Those liquidations move the price on by the impact law, with the constants of mart.cascade_risk. The reached notional
-- is that of every exchange, itself included, in the range that the price then crosses; a bucket counts once its middle
-- is reached. The reached cluster is the first one beyond that the range touches and that the reached exchange shares.
--
-- Dollars are added as decimals: exact, so that the order of rows does not matter.
WITH buckets AS (
    SELECT coin, hour_utc, side, exchange, price_bucket, sum(notional_usd::DECIMAL(18, 6)) AS usd
    FROM liquidation_levels
    GROUP BY ALL
    HAVING usd > 0
),

clusters AS (
    SELECT
        coin, hour_utc, side, cluster_id, distance_bp, price_low, price_high,
        round(ln(price_low) / ln(1.001))::INTEGER AS lowest, round(ln(price_high) / ln(1.001))::INTEGER - 1 AS highest
    FROM liquidation_clusters
),

held AS (
    SELECT c.*, exchange, notional_usd AS held_usd
    FROM clusters AS c
    JOIN cluster_shares USING (coin, hour_utc, side, cluster_id)
),

largest AS (
    FROM held
    QUALIFY row_number() OVER (PARTITION BY coin, hour_utc, side, exchange ORDER BY held_usd DESC, distance_bp) = 1
),

sums AS (
    SELECT h.* EXCLUDE (held_usd, distance_bp), sum(usd) AS pushing_usd
    FROM largest AS h
    JOIN buckets AS s
        ON s.coin = h.coin AND s.hour_utc = h.hour_utc AND s.side = h.side AND s.exchange = h.exchange
        AND if(h.side = 'long', price_bucket >= lowest, price_bucket <= highest)
    GROUP BY ALL
),

pushes AS (
    SELECT
        s.*, mark_price, is_stale, parameters_version, source,
        if(side = 'long', price_low, price_high) AS from_price,
        impact_y * daily_volatility * sqrt(pushing_usd::DOUBLE / daily_volume_usd) AS impact,
        if(side = 'long', price_low * (1 - impact), price_high * (1 + impact)) AS to_price
    FROM sums AS s
    JOIN cascade_risk USING (coin, hour_utc, side)
    WHERE impact IS NOT NULL
),

-- Every pair has a row, even if no notional is reached.
pairs AS (
    SELECT p.*, e.exchange AS reached_exchange
    FROM pushes AS p
    JOIN (SELECT DISTINCT coin, hour_utc, side, exchange FROM buckets) AS e USING (coin, hour_utc, side)
),

amounts AS (
    SELECT p.coin, p.hour_utc, p.side, p.exchange, reached_exchange, sum(usd) AS reached_usd
    FROM pairs AS p
    JOIN buckets AS s
        ON s.coin = p.coin AND s.hour_utc = p.hour_utc AND s.side = p.side AND s.exchange = reached_exchange
        AND 1.001 ** (price_bucket + 0.5) BETWEEN least(from_price, to_price) AND greatest(from_price, to_price)
    GROUP BY ALL
),

touched AS (
    SELECT
        p.coin, p.hour_utc, p.side, p.exchange, reached_exchange,
        arg_min(h.cluster_id, h.distance_bp) AS reached_cluster_id
    FROM pairs AS p
    JOIN held AS h
        ON h.coin = p.coin AND h.hour_utc = p.hour_utc AND h.side = p.side AND h.exchange = reached_exchange
        AND if(
            p.side = 'long', h.highest < p.lowest AND h.price_high >= to_price,
            h.lowest > p.highest AND h.price_low <= to_price
        )
    GROUP BY ALL
)

SELECT
    coin, hour_utc::DATE AS date, hour_utc, side, exchange, reached_exchange, cluster_id,
    from_price AS pushed_from_price, to_price AS pushed_to_price, pushing_usd::DOUBLE AS pushing_usd,
    coalesce(reached_usd, 0)::DOUBLE AS reached_usd, reached_cluster_id, mark_price, is_stale,
    parameters_version, source
FROM pairs
LEFT JOIN amounts USING (coin, hour_utc, side, exchange, reached_exchange)
LEFT JOIN touched USING (coin, hour_utc, side, exchange, reached_exchange)
