"""What a folder of texts shows by itself: format, number, size, days and language of its files. A first draft."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from corpusgate.intake.encoding import Undecodable, decode

FORMATS = {
    ".txt": "text", ".md": "text", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv",
    ".html": "html", ".htm": "html", ".pdf": "pdf", ".parquet": "parquet", ".yaml": "yaml", ".yml": "yaml",
    ".warc": "warc",
    ".db": "sqlite", ".sqlite": "sqlite", ".sqlite3": "sqlite",
}  # fmt: skip
LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "COPYING", "LICENCE", "NOTICE")

_LOOKED_AT = 10_000
_BINARY = ("pdf", "parquet", "sqlite", "warc")
_READ_FILES, _READ_BYTES = 20, 1 << 20
_NAMES = {"zh": "in Chinese", "en": "in English"}


@dataclass(frozen=True, slots=True)
class Survey:
    """The files of the suffix that most have: `first` and `last` are the days of their last change (UTC); `language` is
    None where it could not be guessed."""

    suffix: str = ".txt"
    count: int = 0
    bytes: int = 0
    first: date | None = None
    last: date | None = None
    language: str | None = None

    @property
    def format(self) -> str:
        """The reader for the suffix."""
        return FORMATS[self.suffix]

    def sentence(self, folder: str) -> str:
        """Platform, period, language and processing state, as far as files show them."""
        size = f"{self.bytes / 1e6:.1f} MB" if self.bytes >= 1e5 else f"{max(1, round(self.bytes / 1e3))} kB"
        period = f"{self.first:%Y-%m}" if self.first and self.first.replace(day=1) == _month(self.last) else ""
        period = period or f"{self.first:%Y-%m} to {self.last:%Y-%m}"
        tongue = f", {_NAMES[self.language]}" if self.language in _NAMES else ""
        files = f"{self.count} {self.suffix} file{'' if self.count == 1 else 's'}"
        return f"{files}, {size}, last changed {period}, in the folder {folder}{tongue}. Not cleaned before intake."


def survey(folder: Path) -> Survey:
    """Looks at no more than 10,000 files and follows no link; of equally many suffixes the first by name counts."""
    by_suffix: dict[str, list[Path]] = {}
    for path in _files(folder):
        by_suffix.setdefault(path.suffix.lower(), []).append(path)
    if not by_suffix:
        return Survey()
    suffix = min(by_suffix, key=lambda s: (-len(by_suffix[s]), s))
    found = sorted(by_suffix[suffix])
    states = [path.stat() for path in found]
    days = [datetime.fromtimestamp(s.st_mtime, UTC).date() for s in states]
    language = None if FORMATS[suffix] in _BINARY else _language(found)
    return Survey(suffix, len(found), sum(s.st_size for s in states), min(days), max(days), language)


def _files(folder: Path) -> Iterator[Path]:
    for seen, path in enumerate(folder.rglob("*")):
        if seen >= _LOOKED_AT:
            return
        known = path.suffix.lower() in FORMATS and path.name not in LICENCES
        if known and not path.is_symlink() and path.is_file():
            yield path


def _language(paths: list[Path]) -> str | None:
    """`zh` where a fifth or more of the letters are Han, else `en`; None without letters."""
    letters: Counter[bool] = Counter()
    for path in paths[:_READ_FILES]:
        if path.stat().st_size > _READ_BYTES:
            continue  # cut anywhere, it might decode as something else
        try:
            text = decode(path.read_bytes())
        except (Undecodable, OSError):
            continue
        letters.update("\u4e00" <= c <= "\u9fff" for c in text if c.isalpha())
    total = letters.total()
    return None if not total else "zh" if letters[True] >= total / 5 else "en"


def _month(day: date | None) -> date | None:
    return day.replace(day=1) if day else None
