"""The Airflow DAGs. They only schedule: the functions of `warehouse` do all the work."""
