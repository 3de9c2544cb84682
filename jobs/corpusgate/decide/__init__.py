"""Deciding: eligibility, duplicates and masks, recomputed for each candidate over narrow columns."""
