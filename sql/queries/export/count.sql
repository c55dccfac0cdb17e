SELECT count(*) AS n FROM {{table}} WHERE {{condition}};
