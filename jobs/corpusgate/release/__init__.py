"""Releases: manifest, publication by compare-and-set, verification, rollback."""
