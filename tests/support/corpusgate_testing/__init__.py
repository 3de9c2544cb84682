"""Builders that tests share: one module per room, named after it."""
