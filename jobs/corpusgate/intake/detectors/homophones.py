"""Words of a lexicon that a text only sounds like: other characters of the same reading, its initials, its pinyin.

Such a hit raises a review score and weighs nothing: on benign text it is wrong far more often than a word itself. It is
looked for only where the lexicon asks for it (`sounds: review` in `lexicon.yaml`), in one pass over a string of
readings that is as long as the folded text, so that every hit has its place in the stored text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import numpy as np

from corpusgate.banks.lexicon import Lexicon, Word, named_lexicon, read_meta
from corpusgate.errors import DetectorMissing
from corpusgate.intake.detectors.batch import Batch, make_batch
from corpusgate.intake.detectors.compiled import compiled
from corpusgate.intake.detectors.fold import text_of
from corpusgate.intake.detectors.fold_table import CODE_POINTS, fold_table
from corpusgate.intake.detectors.keywords import carrying
from corpusgate.intake.detectors.model import SPANS_A_RULE, Finding, Kit

NAME = "homophone"
FAMILY = "keyword"
CODE_VERSION = "1"
SOUND, SPELLED, INITIALS = "sound", "spelled", "initials"
SCORES = {SOUND: 0.5, SPELLED: 0.5, INITIALS: 0.2}
"""Review score of a hit; a text's is its highest. A keyword itself has 1."""
SHORTEST = 3
"""Han characters of a word whose sound is looked for: two syllables meet by chance everywhere."""
FEWEST_INITIALS, FEWEST_LETTERS = 4, 6
_FIRST = 0xE000  # private use: a reading each
_BREAK = 0x0A


@dataclass(frozen=True, slots=True)
class Sound:
    """Something to look for in the string of readings, and the word it stands for."""

    pattern: str
    form: str
    word: Word


@dataclass(frozen=True, slots=True)
class Homophones:
    """The detector of one lexicon. `named` tells which patterns a string of readings holds; `known` are the match forms
    of all its words, which the keyword detector finds itself."""

    version: str
    sounds: tuple[Sound, ...]
    named: Callable[[str], list[int]]
    known: frozenset[str]
    ordinary: Callable[[str], bool]

    def find(self, batch: Batch) -> list[list[Finding]]:
        """Findings of each text of the batch."""
        folded = batch.folded
        heard = text_of(readings().take(folded.codes))
        out: list[list[Finding]] = []
        for no, (start, end) in enumerate(zip(folded.starts, folded.ends, strict=True)):
            found: list[Finding] = []
            for number in sorted(set(self.named(heard[start:end]))):
                found += self._findings(batch, no, self.sounds[number], heard)
            out.append(sorted(found, key=lambda f: (f.start, f.end, f.rule)))
        return out

    def _findings(self, batch: Batch, no: int, sound: Sound, heard: str) -> list[Finding]:
        folded = batch.folded
        places = [
            (a, b)
            for a, b in _occurrences(heard, sound.pattern, folded.starts[no], folded.ends[no])
            if self._disguised(sound, heard, folded.text, a, b)
        ]
        out = []
        for a, b in places[:SPANS_A_RULE]:
            start, end = folded.span(no, a, b)
            out.append(
                Finding(
                    NAME, self.version, f"{sound.form}:{sound.word.id}", carrying(sound.word.risks), start, end,
                    SCORES[sound.form], 0.0, batch.texts[no][start:end], None, None, len(places),
                )
            )  # fmt: skip
        return out

    def _disguised(self, sound: Sound, heard: str, text: str, a: int, b: int) -> bool:
        """Not the word itself nor an ordinary one; letters count only as a word of their own."""
        if sound.form == SOUND:
            return text[a:b] not in self.known and not self.ordinary(text[a:b])
        return not (heard[a - 1].isascii() and heard[a - 1].isalpha()) and not (
            heard[b].isascii() and heard[b].isalpha()
        )


def wanted(kit: Kit) -> bool:
    """Whether the kit's lexicon asks for sounds."""
    return _asked(kit.lexicon_dir, kit.lexicon_sha256)


@lru_cache(maxsize=8)
def _asked(folder: str, sha256: str) -> bool:
    """Read from the declaration alone: who only asks for versions must not load 100,000 words."""
    try:
        return read_meta(Path(folder))[0].get("sounds") == "review"
    except OSError:
        return False  # `load` says what is missing


def version(kit: Kit) -> str:
    """Code version, digests of lexicon and fold, version of the readings."""
    return (
        f"{CODE_VERSION}+lexicon.{kit.lexicon_sha256[:12]}+fold.{fold_table().digest[:8]}"
        f"+pypinyin.{metadata.version('pypinyin')}"
    )


def prepare(kit: Kit) -> Homophones:
    """The detector of this kit's lexicon, proven on a spelled word.

    Raises:
        ConfigError: the lexicon is wrong. DetectorMissing: the proof fails.
    """
    cache = Path(kit.cache_dir) if kit.cache_dir else None
    made = from_lexicon(named_lexicon(kit.lexicon_dir, kit.lexicon_sha256), version(kit), cache)
    spelled = next((s for s in made.sounds if s.form == SPELLED), None)
    alike = readings()[ord("赌")] == readings()[ord("堵")] != _BREAK
    if not alike or (spelled and not made.find(make_batch([spelled.pattern]))[0]):
        raise DetectorMissing("Words that sound alike are not recognised on this worker: pypinyin's table is another.")
    return made


def from_lexicon(lexicon: Lexicon, version_text: str, cache: Path | None = None) -> Homophones:
    """Make a loaded lexicon ready."""
    from rjieba import Jieba

    sounds = tuple(sounds_of(lexicon.words))
    known = frozenset(w.key for w in lexicon.words)
    return Homophones(version_text, sounds, _named([s.pattern for s in sounds], cache), known, Jieba().has_word)


def sounds_of(words: Sequence[Word]) -> Iterator[Sound]:
    """What is looked for, of several words with one sound for the first."""
    from pypinyin import Style, lazy_pinyin

    numbers = _numbers()
    seen = set[str]()
    for word in words:
        if word.kind != "deny" or len(word.key) < SHORTEST or not all("\u4e00" <= c < "\ua000" for c in word.key):
            continue
        said = lazy_pinyin(word.key, style=Style.NORMAL, v_to_u=False)
        if len(said) != len(word.key) or not all(s in numbers for s in said):
            continue
        spelled, initials = "".join(said), "".join(s[0] for s in said)
        for pattern, form in (
            ("".join(chr(_FIRST + numbers[s]) for s in said), SOUND),
            (spelled if len(spelled) >= FEWEST_LETTERS else "", SPELLED),
            (initials if len(initials) >= FEWEST_INITIALS else "", INITIALS),
        ):
            if pattern and pattern not in seen:
                seen.add(pattern)
                yield Sound(pattern, form, word)


@lru_cache(maxsize=1)
def _numbers() -> dict[str, int]:
    """Toneless reading to its number."""
    return {reading: n for n, reading in enumerate(sorted(set(_readings().values())))}


@lru_cache(maxsize=1)
def _readings() -> dict[int, str]:
    """Code point to its commonest reading without tone, of the characters that a folded text has."""
    from pypinyin.contrib.tone_convert import to_normal
    from pypinyin.pinyin_dict import pinyin_dict

    first = {c: said.split(",")[0] for c, said in pinyin_dict.items() if 0x4E00 <= c < 0xA000}
    plain = {said: to_normal(said, v_to_u=False) for said in set(first.values())}
    return {c: plain[said] for c, said in first.items() if plain[said].isascii() and plain[said]}


@lru_cache(maxsize=1)
def readings() -> np.ndarray:
    """uint32 a code point: the character of its reading, a letter itself, a line break for everything else."""
    out = np.full(CODE_POINTS, _BREAK, dtype=np.uint32)
    out[ord("a") : ord("z") + 1] = np.arange(ord("a"), ord("z") + 1)
    numbers, said = _numbers(), _readings()
    out[list(said)] = [_FIRST + numbers[s] for s in said.values()]
    return out


def _named(patterns: Sequence[str], cache: Path | None) -> Callable[[str], list[int]]:
    """A function from a text to the numbers of the patterns in it."""
    if not patterns:
        return lambda text: []
    try:
        database = compiled([p.encode() for p in patterns], cache)
    except ImportError:
        from ahocorasick_rs import AhoCorasick

        automaton = AhoCorasick(list(patterns))
        return lambda text: [n for n, _, _ in automaton.find_matches_as_indexes(text, overlapping=True)]

    def note(number: int, start: int, end: int, flags: int, found: list[int]) -> None:
        found.append(number)

    def named(text: str) -> list[int]:
        found: list[int] = []
        database.scan(text.encode(), match_event_handler=note, context=found)
        return found

    return named


def _occurrences(heard: str, pattern: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = heard.find(pattern, start, end)
    while at >= 0:
        yield at, at + len(pattern)
        at = heard.find(pattern, at + len(pattern), end)
