-- Macros that find a coin's files. Paths and days known at planning time keep DuckDB from listing other coins' folders
-- and earlier days. An unknown coin raises an error here, because DuckDB would only report that no file matches.
CREATE MACRO ops.known(coin) AS CASE
    WHEN list_contains([{{coins}}]::VARCHAR[], coin::VARCHAR) THEN coin::VARCHAR
    ELSE coalesce(
        {{coin_in_any_case}},
        error(format({{no_coin}}, coalesce(coin::VARCHAR, 'NULL')))::VARCHAR
    )
END;
CREATE MACRO ops.files_of(coin, name) AS
    {{root}} || replace(name, '.', '/') || '/coin=' || ops.known(coin) || '/date=*/data.parquet';
CREATE MACRO ops.file_of(coin, name, day) AS
    {{root}} || replace(name, '.', '/') || '/coin=' || ops.known(coin) || '/date=' || day || '/data.parquet';
CREATE MACRO ops.first_day(coin) AS {{first_day}}::DATE;
CREATE MACRO ops.last_day(coin) AS {{last_day}}::DATE;
