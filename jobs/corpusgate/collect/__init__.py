"""Collecting: channels that fetch, hash and archive raw files and objects. Nothing that is fetched is executed."""
