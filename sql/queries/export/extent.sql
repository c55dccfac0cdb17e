SELECT count(*) AS rows, min({{time}}) AS first_utc, max({{time}}) AS last_utc
FROM {{table}};
