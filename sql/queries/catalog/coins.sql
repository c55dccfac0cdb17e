-- How the macros find a coin's files. A path and a day that are known before a statement is planned keep DuckDB from
-- looking through the other coins' folders and the days before. An unknown coin is refused here: a path that matches
-- nothing would only be called that.
CREATE MACRO ops.known(coin) AS CASE
    WHEN list_contains([{{coins}}]::VARCHAR[], coin::VARCHAR) THEN coin::VARCHAR
    ELSE coalesce(
        {{coin_in_any_case}},
        error(format({{no_coin}}, coalesce(coin::VARCHAR, 'NULL')))::VARCHAR
    )
END;
CREATE MACRO ops.files_of(coin, name) AS {{root}} || replace(name, '.', '/') || '/coin=' || ops.known(coin) || '/date=*/data.parquet';
CREATE MACRO ops.file_of(coin, name, day) AS
    {{root}} || replace(name, '.', '/') || '/coin=' || ops.known(coin) || '/date=' || day || '/data.parquet';
CREATE MACRO ops.first_day(coin) AS {{first_day}}::DATE;
CREATE MACRO ops.last_day(coin) AS {{last_day}}::DATE;
