SELECT count(*) FROM duckdb_views() WHERE schema_name = 'mart' AND view_name = $name;
