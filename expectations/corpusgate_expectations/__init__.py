"""The suites of the gates, as code that takes every bound from the catalogue. Great Expectations is imported by the
modules."""

#: The gates, each a module here.
GATES: tuple[str, ...] = ("admission", "source", "content", "annotation", "lexicon", "questions", "release")
