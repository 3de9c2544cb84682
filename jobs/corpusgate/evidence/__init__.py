"""Evidence: SQL over all tables, the story of a record, the pages that people look at."""
