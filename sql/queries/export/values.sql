SELECT DISTINCT {{column}} FROM {{table}} ORDER BY ALL;
