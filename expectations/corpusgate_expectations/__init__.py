"""Suites of expectations, one module a gate. Bounds come from conf/controls, never from here."""
