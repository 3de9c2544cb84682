"""What is declared under `conf/`: read once by the driver, validated, frozen. Data, never code."""
