"""corpusgate: builds a text corpus, judges it, and publishes what passed, with the evidence."""

__version__ = "0.1.0"
