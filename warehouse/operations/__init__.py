"""Health checks, re-checks of published data, and a local Airflow."""
