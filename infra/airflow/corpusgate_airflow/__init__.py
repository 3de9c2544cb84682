"""What corpusgate adds to Airflow: who may do what, how a verdict becomes a task's state, and the evidence tab."""
