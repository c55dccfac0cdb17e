-- True if an hour lies between `first` and `last`, inclusive; NULL is no bound.
CREATE MACRO ops.is_within(day, hour, first, last) AS
    (first IS NULL OR (day >= ops.moment(first)::DATE AND hour >= date_trunc('hour', ops.moment(first))))
    AND (last IS NULL OR (day <= ops.moment(last)::DATE AND hour <= ops.moment(last)));
