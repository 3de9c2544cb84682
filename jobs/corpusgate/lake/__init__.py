"""The lake: what the tables are, how they are written once, who may write, and what a run has said so far."""
