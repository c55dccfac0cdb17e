-- The factor from a modelled sum to its 90th percentile, and from its 10th percentile to it: 80 % credible interval.
--
-- usd, fit_usd, gap_usd: sums of notional, and of notional times one standard deviation of the fit and of gaps. Errors
-- of fit, gaps and model add up over leverage classes and exchanges; errors of chance are independent. The same rule and
-- constants as transforms/model/bands.py.
CREATE MACRO ops.band_factor(usd, fit_usd, gap_usd) AS CASE WHEN usd = 0 THEN 1 ELSE exp(
    1.2815515594457831 * sqrt(
        fit_usd::DOUBLE ** 2 + gap_usd::DOUBLE ** 2 + (0.1 * usd::DOUBLE) ** 2
        + least(0.8 * 2e6 * usd::DOUBLE, (1.5 * usd::DOUBLE) ** 2)
    ) / usd::DOUBLE
) END;
