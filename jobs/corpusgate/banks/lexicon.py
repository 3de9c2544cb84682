"""Keyword lexicons: a folder with `lexicon.yaml` and `words.tsv`, loaded and checked as a whole (F B.1.1; issue 7,
1)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from corpusgate.errors import ConfigError, DetectorMissing

COLUMNS = ("id", "word", "kind", "risks", "severity", "weight", "note")
FIELDS = ("id", "version", "title", "source", "licence", "date", "language", "canary")
OPTIONAL = ("sounds",)
FILES = ("lexicon.yaml", "words.tsv")
RISKS = frozenset(
    f"a{group}{letter}"
    for group, letters in enumerate(("abcdefgh", "abcdefghi", "abcde", "abcdefg", "ab"), 1)
    for letter in letters
)
"""The 31 risks of F Annex A by our keys."""
MISTAKES_SHOWN = 50
LONGEST_WORD = 64
"""Code points after folding; the matcher's slices overlap by this much."""
_BREAKS = frozenset("\n\r\t")


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
class Fault:
    """Why a line of `words.tsv` cannot stand; `what` is one of columns, id, kind, risk, severity, weight, short, long,
    break, duplicate, empty, encoding. `line` 0: the file as a whole."""

    line: int
    what: str
    said: str

    def __str__(self) -> str:
        return f"{FILES[1]}:{self.line}: {self.said}." if self.line else f"{FILES[1]}: {self.said}."


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A loaded lexicon. `sha256` is `digest()` of its folder; `canary_text` must give a finding of word `canary_word`.

    `sounds`: "review" where words that only sound alike are looked for too.
    """

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
    sounds: str = ""


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
    meta, mistakes = read_meta(folder)
    words, faults = read_words(folder)
    mistakes += map(str, faults)
    canary = meta.get("canary") or {}
    if meta and not any(w.id == canary.get("word id") and w.kind == "deny" for w in words):
        mistakes.append(f"{FILES[0]}: canary: word id {canary.get('word id')!r} is no deny word of words.tsv.")
    if mistakes:
        more = [f"… and {len(mistakes) - MISTAKES_SHOWN} more: `corpusgate lexicon lint` lists all."]
        shown = mistakes if len(mistakes) <= MISTAKES_SHOWN else mistakes[:MISTAKES_SHOWN] + more
        raise ConfigError(f"{folder}: {len(mistakes)} mistake(s):\n" + "\n".join(shown))
    plain = {name: str(meta[name]) for name in FIELDS if name != "canary"}
    return Lexicon(
        **plain, canary_text=canary["text"], canary_word=canary["word id"], words=tuple(words), sha256=sha256,
        sounds=str(meta.get("sounds", "")),
    )  # fmt: skip


@lru_cache(maxsize=1)
def named_lexicon(path: str | Path, sha256: str) -> Lexicon:
    """The lexicon that a run names by its hash; once loaded it is kept, for several detectors look for its words.

    Raises:
        DetectorMissing: another one lies there. ConfigError: none does, or it has mistakes.
    """
    found = digest(path)
    if found != sha256:
        raise DetectorMissing(
            f"The lexicon in {path} hashes to {found}, and the run names {sha256}: this worker has another version of "
            "it."
        )
    return load_lexicon(path)


def read_meta(folder: Path) -> tuple[dict, list[str]]:
    """The fields of `lexicon.yaml`, and what is wrong with them."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    path = folder / FILES[0]
    try:
        meta = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        return {}, [f"{path.name}: not readable as YAML in UTF-8: {error}"]
    if not isinstance(meta, dict):
        return {}, [f"{path.name}: must be a mapping of {', '.join(FIELDS)}."]
    mistakes = [f"{path.name}: {name} is missing." for name in FIELDS if meta.get(name) in (None, "")]
    mistakes += [f"{path.name}: unknown field {name!r}." for name in meta if name not in FIELDS + OPTIONAL]
    if meta.get("sounds", "review") != "review":
        mistakes.append(f"{path.name}: sounds may only be review, or be left out: what sounds alike removes nothing.")
    if meta.get("date") is not None and not isinstance(meta["date"], date):
        mistakes.append(f"{path.name}: date must be a day like 2026-11-24.")
    canary = meta.get("canary")
    if canary is not None and not (
        isinstance(canary, dict) and all(isinstance(canary.get(k), str) for k in ("text", "word id"))
    ):
        mistakes.append(f"{path.name}: canary must hold text and word id, both text.")
        meta["canary"] = {}
    return meta, mistakes


def read_words(folder: Path) -> tuple[list[Word], list[Fault]]:
    """All words that can be read at all, the faulty ones too, with their match forms; and every fault."""
    try:
        text = (folder / FILES[1]).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return [], [Fault(0, "encoding", f"not UTF-8 at byte {error.start}")]
    rows = (line.rstrip("\r").split("\t") for line in text.split("\n"))
    if tuple(next(rows)) != COLUMNS:
        return [], [Fault(1, "columns", f"the first line must be {', '.join(COLUMNS)}, separated by tabs")]
    words, faults, seen = list[Word](), list[Fault](), set[str]()
    for line, row in enumerate(rows, 2):
        if row[0].strip():
            word, wrong = _word(row, line)
            faults += wrong
            if word and word.id in seen:
                faults.append(Fault(line, "id", f"id {word.id} is used twice"))
            if word:
                seen.add(word.id)
                words.append(word)
        elif any(cell.strip() for cell in row):
            faults.append(Fault(line, "id", "no id"))
    if not any(w.kind == "deny" for w in words):
        faults.append(Fault(0, "empty", "no deny word at all"))
    words = _keyed(words)
    return words, faults + [f for w in words if (f := _unfit(w))] + _duplicates(words)


def _word(row: list[str], line: int) -> tuple[Word | None, list[Fault]]:
    if len(row) != len(COLUMNS):
        return None, [Fault(line, "columns", f"{len(row)} columns instead of {len(COLUMNS)}")]
    ident, word, kind, risks_text, severity, weight_text, note = map(str.strip, row)
    risks, weight, wrong = _judged(kind, risks_text, severity, weight_text)
    word_ = Word(ident, word, "", kind, risks, severity, weight, note, line)
    return word_, [Fault(line, what, said) for what, said in wrong]


@lru_cache(maxsize=4096)  # words by the ten thousand have few of these
def _judged(
    kind: str, risks_text: str, severity: str, weight_text: str
) -> tuple[tuple[str, ...], float, tuple[tuple[str, str], ...]]:
    """The risks and the weight of a word, and what is wrong with how they are said."""
    wrong = list[tuple[str, str]]()
    risks = tuple(r.strip() for r in risks_text.split(",") if r.strip())
    if kind not in ("deny", "allow"):
        wrong.append(("kind", f"kind {kind!r} is neither deny nor allow"))
    if unknown := [r for r in risks if r not in RISKS]:
        wrong.append(("risk", f"unknown risk {', '.join(unknown)}"))
    if len(set(risks)) != len(risks):
        wrong.append(("risk", "a risk is named twice"))
    if kind == "deny" and not risks:
        wrong.append(("risk", "a deny word needs a risk"))
    if kind == "deny" and severity not in ("illegal", "unhealthy"):
        wrong.append(("severity", f"severity {severity!r} is neither illegal nor unhealthy"))
    try:
        weight = float(weight_text or 0)
    except ValueError:
        weight = -1.0
    if not 0.0 <= weight <= 1.0:
        wrong.append(("weight", f"weight {weight_text!r} is no number from 0 to 1"))
        weight = 0.0
    if kind == "allow" and weight:
        wrong.append(("weight", "an allow word has no weight"))
    return risks, weight, tuple(wrong)


def _keyed(words: list[Word]) -> list[Word]:
    """The same words with their match forms, folded in one batch."""
    from corpusgate.intake.detectors.keys import match_keys

    keys = zip(words, match_keys([w.word for w in words]), strict=True)
    # `dataclasses.replace` takes ten times as long, and 100,000 words are read in every worker.
    return [Word(w.id, w.word, key, w.kind, w.risks, w.severity, w.weight, w.note, w.line) for w, key in keys]


def _unfit(word: Word) -> Fault | None:
    """Why the match form cannot be looked for."""
    if len(word.key) < 2 or (len(word.key) < 3 and not any(map(_is_han, word.key))):
        return Fault(word.line, "short", f"{word.word!r} is too short (2 Han characters or 3 letters at least)")
    if len(word.key) > LONGEST_WORD:
        return Fault(word.line, "long", f"{word.word!r} is longer than {LONGEST_WORD} characters")
    if not _BREAKS.isdisjoint(word.key):
        return Fault(word.line, "break", f"{word.word!r} holds a line break or tab")
    return None


def _is_han(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff" or char >= "\U00020000"


def _duplicates(words: list[Word]) -> list[Fault]:
    first: dict[str, Word] = {}
    faults = []
    for word in words:
        other = first.setdefault(word.key, word)
        if other is not word and word.key:
            said = f"{word.word!r} is the same as {other.word!r} in line {other.line} once both are folded"
            faults.append(Fault(word.line, "duplicate", said))
    return faults
