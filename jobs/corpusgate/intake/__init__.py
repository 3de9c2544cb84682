"""Intake: raw acquisitions become records, documents and findings, in one pass over the text."""
