"""Gates: figures in one pass, judged by Great Expectations against the bounds of the controls."""
