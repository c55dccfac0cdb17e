-- The levels of an hour (levels_at), with one standard deviation of the errors of fit and of gaps, USD.
CREATE MACRO ops.levels_with_errors(coin, as_of, exchange) AS TABLE
SELECT
    l.*, l.notional_usd::DECIMAL(18, 6) AS usd, (l.notional_usd * p.value)::DECIMAL(18, 6) AS fit_usd,
    (l.notional_usd * l.gap_log_sd)::DECIMAL(18, 6) AS gap_usd
FROM levels_at(coin, as_of := as_of, exchange := exchange) AS l
LEFT JOIN model.model_parameters AS p
    ON p.parameter = 'log_sd' AND p.version = l.parameters_version AND p.exchange = l.exchange AND p.side = l.side
    AND p.leverage_x = rtrim(l.leverage_class, 'x+')::DOUBLE;
