"""A lake of its own for a test, and what tables look like row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpusgate.lake import store
from corpusgate.lake.tables import TABLES
from corpusgate.settings.place import Place


def place_in(folder: Path) -> Place:
    """An installation under `folder`: empty conf, lake and var."""
    place = Place(home=folder, conf=folder / "conf", lake=folder / "lake", var=folder / "var")
    for made in (place.conf, place.lake, place.var):
        made.mkdir(parents=True, exist_ok=True)
    return place


def rows(place: Place, name: str, where: str | None = None) -> list[dict[str, Any]]:
    """All rows of a table, in an order that depends on their content alone."""
    found = store.read(place, name, where=where).to_pylist()
    return sorted(found, key=lambda r: json.dumps(r, sort_keys=True, default=str))


def duplicates(place: Place, name: str) -> list[tuple[Any, ...]]:
    """Keys that more than one row of the table has."""
    seen: set[tuple[Any, ...]] = set()
    twice = []
    for row in store.read(place, name, TABLES[name].key).to_pylist():
        key = tuple(row.values())
        if key in seen:
            twice.append(key)
        seen.add(key)
    return twice


def commits(place: Place, name: str) -> list[dict[str, Any]]:
    """The entries of the table's log, oldest first; each is one JSON object of the Delta protocol."""
    files = sorted((place.table(name) / "_delta_log").glob("*.json"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
