"""Banks: keyword lexicons and the question banks of 45654 Annex B.1, loaded and validated."""
