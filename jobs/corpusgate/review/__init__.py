"""Samples that anyone can draw again, and what people said of their items."""
