-- A new catalog file. In the form of v1.0.0, tools on DuckDB 1.x can open it too.
ATTACH {{file}} AS catalog (STORAGE_VERSION 'v1.0.0');
USE catalog;
