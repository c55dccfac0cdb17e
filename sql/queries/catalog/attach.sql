-- A new catalog file, in storage version v1.0.0 so that tools on DuckDB 1.x can open it.
ATTACH {{file}} AS catalog (STORAGE_VERSION 'v1.0.0');
USE catalog;
