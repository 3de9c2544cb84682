"""Airflow on one machine: its components as processes of ours, on the loopback address, started, driven and ended."""
