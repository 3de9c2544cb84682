"""The suites of the gates, as code that takes every bound from the catalogue. Great Expectations is imported by the
modules."""

#: Gates that have a suite, each a module here. A gate whose controls all wait for data has none yet.
GATES: tuple[str, ...] = ("admission", "source", "content", "annotation", "release")
