"""What was fetched under which address: a killed run goes on, and an unchanged object is not sent again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from corpusgate.lake.run import write_atomically


class Journal:
    """A line an object, written at once; the last line of an address counts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, dict[str, Any]] = {}
        for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
            try:
                url, entry = json.loads(line)
            except ValueError:
                continue  # the last line of a killed process
            self._set(url, entry)
        path.parent.mkdir(parents=True, exist_ok=True)

    def entry(self, url: str) -> dict[str, Any] | None:
        return self._entries.get(url)

    def note(self, url: str, entry: dict[str, Any]) -> dict[str, Any]:
        self._line(url, entry)
        return entry

    def forget(self, url: str) -> None:
        self._line(url, None)

    def compact(self) -> None:
        lines = [json.dumps([u, e], sort_keys=True) + "\n" for u, e in sorted(self._entries.items())]
        write_atomically(self._path, "".join(lines))

    def _line(self, url: str, entry: dict[str, Any] | None) -> None:
        self._set(url, entry)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([url, entry], sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _set(self, url: str, entry: dict[str, Any] | None) -> None:
        if entry is None:
            self._entries.pop(url, None)
        else:
            self._entries[url] = entry
