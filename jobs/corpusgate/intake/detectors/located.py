"""Where the words of a list stand in folded code points: all places, overlapping ones too, by one look at a batch.

hyperscan is not given UTF-8 but letters of two bytes: each character that some word holds has its own, all others share
one. There is less to scan, the bytes tell more, and a place in them is a place in the code points. A match that begins
in the middle of a letter is none. Where a list has more characters than there are letters, some share one, and each
match is compared with its word. Without hyperscan's wheel ahocorasick_rs finds the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from corpusgate.intake.detectors.compiled import compiled
from corpusgate.intake.detectors.fold import text_of
from corpusgate.intake.detectors.fold_table import CODE_POINTS

Locate = Callable[[np.ndarray], np.ndarray]
"""From folded code points, of which none is NUL, to the matches in them: rows of word index, start, end
(end-exclusive)."""

_BYTES = 254
"""Values of a letter's byte: 0 would end a pattern, and 1 is what the letter that no word holds is made of."""
_STRIDE = 39_119
"""Letters after one another differ in both bytes: hyperscan sieves by the last bytes of its words."""


def by_hyperscan(words: Sequence[str], cache: Path | None) -> Locate:
    """Looks for the words with hyperscan. `cache`: folder of compiled lists.

    Raises:
        ImportError: hyperscan is not there.
    """
    letters = _letters(words)
    database = compiled(_patterns(words, letters), cache, once=False)
    lengths = np.array([len(word) for word in words])
    unsure = len(set("".join(words))) > _BYTES**2

    def note(word_no: int, start: int, end: int, flags: int, found: array) -> None:
        found.append(word_no)
        found.append(end)

    def locate(codes: np.ndarray) -> np.ndarray:
        found = array("q")  # numbers, not objects: a text of one character may hold millions of matches
        database.scan(letters.take(codes).tobytes(), match_event_handler=note, context=found)
        nos, ends = np.frombuffer(found, dtype=np.int64).reshape(-1, 2).T
        whole = ends % 2 == 0
        nos, ends = nos[whole], ends[whole] // 2
        matches = np.stack((nos, ends - lengths[nos], ends), axis=1)
        return matches[_same(matches, codes, words)] if unsure else matches

    return locate


def _same(matches: np.ndarray, codes: np.ndarray, words: Sequence[str]) -> list[bool]:
    """Whether the words themselves stand there, and not only their letters."""
    text = text_of(codes)
    return [text[a:b] == words[no] for no, a, b in zip(*matches.T.tolist(), strict=True)]


def by_automaton(words: Sequence[str]) -> Locate:
    """Looks for the words with ahocorasick_rs: slower, and it takes no compiling that is worth a cache."""
    from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

    automaton = AhoCorasick(words, matchkind=MatchKind.Standard, implementation=Implementation.ContiguousNFA)

    def locate(codes: np.ndarray) -> np.ndarray:
        found = automaton.find_matches_as_indexes(text_of(codes), overlapping=True)
        return np.array(found, dtype=np.int64).reshape(-1, 3)

    return locate


def _letters(words: Sequence[str]) -> np.ndarray:
    """uint16 a code point: its letter."""
    held = sorted(map(ord, set("".join(words))))
    high, low = np.divmod(np.arange(len(held)) * _STRIDE % _BYTES**2, _BYTES)
    out = np.full(CODE_POINTS, 0x0101, dtype=np.uint16)
    out[held] = (high + 2) * 256 + low + 2
    return out


def _patterns(words: Sequence[str], letters: np.ndarray) -> list[bytes]:
    """The words in their letters."""
    spelled = letters.take(np.frombuffer("".join(words).encode("utf-32-le"), dtype=np.uint32)).tobytes()
    ends = 2 * np.cumsum([len(word) for word in words])
    return [spelled[end - 2 * len(word) : end] for end, word in zip(ends.tolist(), words, strict=True)]
