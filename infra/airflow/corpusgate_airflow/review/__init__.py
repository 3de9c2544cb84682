"""The review page: people judge the items of a sample inside Airflow's web server, one after another."""
