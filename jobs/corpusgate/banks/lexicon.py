"""Keyword lexicons: a folder with `lexicon.yaml` and `words.tsv`, loaded and checked as a whole (F B.1.1; issue 7,
1)."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from corpusgate.errors import ConfigError

COLUMNS = ("id", "word", "kind", "risks", "severity", "weight", "note")
FIELDS = ("id", "version", "title", "source", "licence", "date", "language", "canary")
FILES = ("lexicon.yaml", "words.tsv")
RISKS = frozenset(
    f"a{group}{letter}"
    for group, letters in enumerate(("abcdefgh", "abcdefghi", "abcde", "abcdefg", "ab"), 1)
    for letter in letters
)
"""The 31 risks of F Annex A by our keys."""
LONGEST_WORD = 64
"""Code points after folding; the matcher's slices overlap by this much."""


@dataclass(frozen=True, slots=True)
class Word:
    """One entry. `key` is the word's match form (folded and squeezed). `weight` 1.0 removes a text by itself."""

    id: str
    word: str
    key: str
    kind: str
    risks: tuple[str, ...]
    severity: str
    weight: float
    note: str
    line: int


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A loaded lexicon. `sha256` is `digest()` of its folder; `canary_text` must give a finding of word
    `canary_word`."""

    id: str
    version: str
    title: str
    source: str
    licence: str
    date: str
    language: str
    canary_text: str
    canary_word: str
    words: tuple[Word, ...]
    sha256: str


def digest(path: str | Path) -> str:
    """SHA-256 over names and content of the lexicon's files, hex. Raises ConfigError where one is missing."""
    total = hashlib.sha256()
    for name in FILES:
        try:
            content = (Path(path) / name).read_bytes()
        except OSError as error:
            raise ConfigError(
                f"{path}: {name} cannot be read ({error.strerror}); a lexicon is a folder with {' and '.join(FILES)}."
            ) from error
        total.update(f"{name}\n{len(content)}\n".encode() + content)
    return total.hexdigest()


def load_lexicon(path: str | Path) -> Lexicon:
    """Load and check a lexicon; raises ConfigError with every mistake and its line, not only the first."""
    folder, sha256 = Path(path), digest(path)
    meta, mistakes = _read_meta(folder / FILES[0])
    words, more = _read_words(folder / FILES[1])
    mistakes += more + _duplicates(words)
    canary = meta.get("canary") or {}
    if meta and not any(w.id == canary.get("word id") and w.kind == "deny" for w in words):
        mistakes.append(f"{FILES[0]}: canary: word id {canary.get('word id')!r} is no deny word of words.tsv.")
    if mistakes:
        raise ConfigError(f"{folder}: {len(mistakes)} mistake(s):\n" + "\n".join(mistakes))
    plain = {name: str(meta[name]) for name in FIELDS if name != "canary"}
    return Lexicon(
        **plain, canary_text=canary["text"], canary_word=canary["word id"], words=tuple(words), sha256=sha256
    )


def _read_meta(path: Path) -> tuple[dict, list[str]]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        meta = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        return {}, [f"{path.name}: not readable as YAML in UTF-8: {error}"]
    if not isinstance(meta, dict):
        return {}, [f"{path.name}: must be a mapping of {', '.join(FIELDS)}."]
    mistakes = [f"{path.name}: {name} is missing." for name in FIELDS if meta.get(name) in (None, "")]
    mistakes += [f"{path.name}: unknown field {name!r}." for name in meta if name not in FIELDS]
    if meta.get("date") is not None and not isinstance(meta["date"], date):
        mistakes.append(f"{path.name}: date must be a day like 2026-11-24.")
    canary = meta.get("canary")
    if canary is not None and not (
        isinstance(canary, dict) and all(isinstance(canary.get(k), str) for k in ("text", "word id"))
    ):
        mistakes.append(f"{path.name}: canary must hold text and word id, both text.")
        meta["canary"] = {}
    return meta, mistakes


def _read_words(path: Path) -> tuple[list[Word], list[str]]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return [], [f"{path.name}: not UTF-8 at byte {error.start}."]
    rows = csv.reader(text.split("\n"), delimiter="\t", quoting=csv.QUOTE_NONE)
    words: list[Word] = []
    mistakes: list[str] = []
    seen: set[str] = set()
    for line, row in enumerate(rows, 1):
        if line == 1:
            if tuple(row) != COLUMNS:
                return [], [f"{path.name}:1: the first line must be {', '.join(COLUMNS)}, separated by tabs."]
        elif row and row[0].strip():
            word, wrong = _word(row, line)
            if word and word.id in seen:
                wrong.append(f"id {word.id} is used twice")
            mistakes += [f"{path.name}:{line}: {what}." for what in wrong]
            if word:
                seen.add(word.id)
                words.append(word)
        elif any(cell.strip() for cell in row):
            mistakes.append(f"{path.name}:{line}: no id.")
    if not any(w.kind == "deny" for w in words):
        mistakes.append(f"{path.name}: no deny word at all.")
    return _keyed(words, mistakes, path.name), mistakes


def _word(row: list[str], line: int) -> tuple[Word | None, list[str]]:
    if len(row) != len(COLUMNS):
        return None, [f"{len(row)} columns instead of {len(COLUMNS)}"]
    ident, word, kind, risks_text, severity, weight_text, note = (cell.strip() for cell in row)
    wrong = []
    risks = tuple(r.strip() for r in risks_text.split(",") if r.strip())
    if kind not in ("deny", "allow"):
        wrong.append(f"kind {kind!r} is neither deny nor allow")
    if unknown := [r for r in risks if r not in RISKS]:
        wrong.append(f"unknown risk {', '.join(unknown)}")
    if len(set(risks)) != len(risks):
        wrong.append("a risk is named twice")
    if kind == "deny" and not risks:
        wrong.append("a deny word needs a risk")
    if kind == "deny" and severity not in ("illegal", "unhealthy"):
        wrong.append(f"severity {severity!r} is neither illegal nor unhealthy")
    try:
        weight = float(weight_text or 0)
    except ValueError:
        weight = -1.0
    if not 0.0 <= weight <= 1.0:
        wrong.append(f"weight {weight_text!r} is no number from 0 to 1")
        weight = 0.0
    if kind == "allow" and weight:
        wrong.append("an allow word has no weight")
    return Word(ident, word, "", kind, risks, severity, weight, note, line), wrong


def _keyed(words: list[Word], mistakes: list[str], name: str) -> list[Word]:
    """The same words with their match forms, folded in one batch."""
    from corpusgate.intake.detectors.keys import match_keys

    out = []
    for word, key in zip(words, match_keys([w.word for w in words]), strict=True):
        han = sum("\u3400" <= c <= "\u9fff" or c >= "\U00020000" for c in key)
        if len(key) < 2 or (not han and len(key) < 3):
            mistakes.append(f"{name}:{word.line}: {word.word!r} is too short (2 Han characters or 3 letters at least).")
        elif len(key) > LONGEST_WORD:
            mistakes.append(f"{name}:{word.line}: {word.word!r} is longer than {LONGEST_WORD} characters.")
        elif any(c in "\n\r\t" for c in key):
            mistakes.append(f"{name}:{word.line}: {word.word!r} holds a line break or tab.")
        out.append(
            Word(word.id, word.word, key, word.kind, word.risks, word.severity, word.weight, word.note, word.line)
        )
    return out


def _duplicates(words: list[Word]) -> list[str]:
    first: dict[str, Word] = {}
    mistakes = []
    for word in words:
        other = first.setdefault(word.key, word)
        if other is not word and word.key:
            mistakes.append(
                f"{FILES[1]}:{word.line}: {word.word!r} is the same as {other.word!r} in line {other.line} "
                "once both are folded."
            )
    return mistakes
