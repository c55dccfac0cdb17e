"""The DuckDB catalog: views, macros, queries and export."""
