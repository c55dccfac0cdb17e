-- at_risk(coin, price, as_of := NULL, span := 0, exchange := NULL)
--
-- The notional that is liquidated if the mark goes to a price, by exchange, side and leverage. The price determines the
-- side: longs below an exchange's own mark, shorts above it. Modelled: positions that would be liquidated, not orders.
--
-- coin       a coin in the warehouse; any other is an error
-- price      the level, USD; a price beyond the map of the hour (25 % from the mark) is an error
-- as_of      a time, in UTC or with a zone; default: the latest published hour. An hour without a map is an error
-- span       half-width of the level, as a fraction of the price; 0 is the 10 bp bucket of the price
-- exchange   one exchange; default or `all`: every exchange
--
-- hour_utc                  end of the map's hour, UTC
-- exchange                  the exchange, or `all`
-- side                      side of the positions that would be liquidated: long or short
-- leverage_class            effective leverage, or `all`
-- level_usd                 modelled notional at the level, USD
-- level_p10_usd, level_p90_usd
--                           its 10th and 90th percentile, USD: 80 % credible interval
-- cumulative_usd            modelled notional from the mark to the price, including the price's bucket, USD
-- cumulative_p10_usd, cumulative_p90_usd
--                           its 10th and 90th percentile, USD
-- cumulative_opened_1d_usd  the part of it opened in the last day, USD
-- distance_bp               distance of the price from the exchange's own mark, 0.01 %; negative below it; null for
--                           `all`
-- mark_price                the exchange's own mark, USD; null for `all`
-- is_stale                  true if carried forward from an earlier hour because the exchange's data was missing
-- parameters_version        version of the parameters, a key of model.model_parameters
-- source                    simulated, recorded, live or imported
--
-- Rows with exchange or leverage_class `all` are sums; `all` and `all` is the total. If the price lies between the
-- marks of two exchanges, each side has a total.
--
-- Example: FROM at_risk('BTC', 95000) WHERE leverage_class = 'all';
CREATE MACRO at_risk(coin, price, as_of := NULL, span := 0, exchange := NULL) AS TABLE
WITH levels AS MATERIALIZED (
    SELECT
        l.hour_utc, l.exchange AS exchange_name, l.side, l.leverage_class AS class, l.price_bucket, l.mark_price,
        l.usd, l.fit_usd, l.gap_usd, l.notional_1d_usd::DECIMAL(18, 6) AS usd_1d, l.is_stale,
        l.parameters_version, l.source, rtrim(l.leverage_class, 'x+')::DOUBLE AS rank,
        l.price_bucket BETWEEN ops.price_bucket(ops.price(price) * (1 - ops.distance(span)))
            AND ops.price_bucket(ops.price(price) * (1 + ops.distance(span))) AS is_level,
        CASE l.side WHEN 'long' THEN 1 ELSE -1 END * (l.price_bucket - ops.price_bucket(price)) >= 0 AS is_passed
    FROM ops.levels_with_errors(coin, as_of, exchange) AS l
),

reached AS (
    SELECT min(price_bucket) AS first_bucket, max(price_bucket) AS last_bucket FROM levels
),

-- A class without notional on the way has a row with 0.
sums AS (
    SELECT
        max(hour_utc) AS hour_utc, exchange_name, side, class, grouping(exchange_name) AS of_all, max(rank) AS rank,
        coalesce(sum(usd) FILTER (is_level), 0) AS level_usd,
        ops.band_factor(
            coalesce(sum(usd) FILTER (is_level), 0), sum(fit_usd) FILTER (is_level), sum(gap_usd) FILTER (is_level)
        ) AS level_factor,
        coalesce(sum(usd) FILTER (is_passed), 0) AS cumulative_usd,
        ops.band_factor(
            coalesce(sum(usd) FILTER (is_passed), 0), sum(fit_usd) FILTER (is_passed), sum(gap_usd) FILTER (is_passed)
        ) AS cumulative_factor,
        coalesce(sum(usd_1d) FILTER (is_passed), 0) AS cumulative_opened_1d_usd, max(mark_price) AS mark_price,
        bool_or(is_stale) AS is_stale, max(parameters_version) AS parameters_version, max(source) AS source
    FROM levels
    JOIN reached ON ops.is_reached(coin, price, first_bucket, last_bucket)
    WHERE side = CASE WHEN ops.price(price) < mark_price THEN 'long' ELSE 'short' END
    GROUP BY GROUPING SETS ((exchange_name, side, class), (exchange_name, side), (side))
)

SELECT
    hour_utc, coalesce(exchange_name, 'all') AS exchange, side, coalesce(class, 'all') AS leverage_class,
    level_usd::DOUBLE AS level_usd, level_usd::DOUBLE / level_factor AS level_p10_usd,
    level_usd::DOUBLE * level_factor AS level_p90_usd, cumulative_usd::DOUBLE AS cumulative_usd,
    cumulative_usd::DOUBLE / cumulative_factor AS cumulative_p10_usd,
    cumulative_usd::DOUBLE * cumulative_factor AS cumulative_p90_usd,
    cumulative_opened_1d_usd::DOUBLE AS cumulative_opened_1d_usd,
    CASE of_all WHEN 0 THEN (ops.price(price) / mark_price - 1) * 1e4 END AS distance_bp,
    CASE of_all WHEN 0 THEN mark_price END AS mark_price, is_stale, parameters_version, source
FROM sums
ORDER BY of_all, exchange_name, side, class IS NULL, rank;
