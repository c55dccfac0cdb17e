"""Health checks, and Airflow on this machine."""
