COMMENT ON VIEW {{table}} IS {{words}};
