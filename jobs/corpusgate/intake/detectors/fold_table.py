"""The fold as a table: code point to code point, built once a process from Unicode's data, OpenCC's and ours.

Steps for one code point, repeated until nothing changes: drop format characters and other invisible ones, NFKC,
traditional
to simplified (OpenCC t2s, single characters, so that lengths hold), lower case, then our own small list of look-alikes.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from corpusgate.intake.detectors.lookalikes import LOOKALIKES

CODE_POINTS = 0x110000
SENTINEL = 0x10FFFF
"""Stands between the texts of a batch. A noncharacter: no word holds it, and a stray one in a text folds to U+FFFD."""
REPLACEMENT = 0xFFFD

# Invisible without being format characters (Cf): Unicode's Default_Ignorable_Code_Point, the rest of it.
_IGNORABLE = [
    (0x034F, 0x0350),
    (0x115F, 0x1161),
    (0x17B4, 0x17B6),
    (0x180B, 0x1810),
    (0x2060, 0x2070),
    (0x3164, 0x3165),
    (0xFE00, 0xFE10),
    (0xFFA0, 0xFFA1),
    (0xFFF0, 0xFFF9),
    (0xE0000, 0xE1000),
]
# Where nothing but dropping and simplifying can happen: the big Han, Hangul and private blocks need no Unicode look-up.
_PLAIN = [
    (0x3400, 0x4DC0),
    (0x4E00, 0xA000),
    (0xAC00, 0xD7A4),
    (0xD800, 0xF900),
    (0x20000, 0x2F800),
    (0x2FA20, 0xE0000),
    (0xE1000, CODE_POINTS),
]
_HAN = [(0x2E80, 0x2FE0), (0x3005, 0x3008), (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x323B0)]
_BLOCK = 32
"""Code points that are looked at together: of most such blocks none changes."""
_MOST_STEPS = 6
_HIDING = frozenset(("Cf", "Cc"))
"""Format and control characters."""


@dataclass(frozen=True, slots=True)
class FoldTable:
    """`to[cp]` is the folded code point, 0 = dropped, `CODE_POINTS + k` = the k-th of `longer` (folds to several),
    which stands in `flat` up to `ends[k]`."""

    to: np.ndarray
    longer: tuple[str, ...]
    lengths: np.ndarray
    ends: np.ndarray
    flat: np.ndarray
    digest: str


def changed_by(convert: Callable[[str], str], ranges: Sequence[tuple[int, int]]) -> dict[str, str]:
    """The characters of the ranges that a conversion changes, each taken by itself, and what it makes of them."""
    lines = np.full((sum(b - a for a, b in ranges), 2), 0x0A, dtype=np.uint32)
    lines[:, 0] = np.concatenate([np.arange(a, b) for a, b in ranges])
    text = lines.tobytes().decode("utf-32-le")
    out = np.frombuffer(convert(text).encode("utf-32-le"), dtype=np.uint32)
    changed = np.flatnonzero(lines.reshape(-1) != out)
    return {text[at]: chr(code) for at, code in zip(changed.tolist(), out[changed].tolist(), strict=True)}


@lru_cache(maxsize=1)
def simplified() -> dict[str, str]:
    """The traditional characters and their simplified forms."""
    from opencc import OpenCC

    return changed_by(OpenCC("t2s").convert, _HAN)


def _dropped(char: str) -> bool:
    """Does the character hide? NUL and its kind do as well as a zero-width space."""
    return unicodedata.category(char) in _HIDING and char not in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"


def _changing() -> Iterator[str]:
    """The characters that a step may do something to: of most it does nothing, and to try it on all takes long."""
    looked_up = np.ones(CODE_POINTS, dtype=np.uint32)
    for a, b in _PLAIN:
        looked_up[a:b] = 0
    text = np.flatnonzero(looked_up).astype(np.uint32).tobytes().decode("utf-32-le")
    for at in range(0, len(text), _BLOCK):
        block = text[at : at + _BLOCK]
        if (
            not unicodedata.is_normalized("NFKC", block)
            or block.lower() != block
            or not _HIDING.isdisjoint(map(unicodedata.category, block))
        ):
            yield from block


def _stepped(chars: Sequence[str]) -> list[str]:
    """What one step makes of each of these characters, of which none is a line break: that stands between them."""
    composed = unicodedata.normalize("NFKC", "\n".join("" if _dropped(char) else char for char in chars))
    lower = composed.translate(str.maketrans(simplified())).lower()
    return lower.translate(str.maketrans(LOOKALIKES)).split("\n")


def _folded() -> dict[str, str]:
    """The characters that do not fold to themselves, and what they fold to: empty = dropped. Steps end at a fixed
    point, so folding twice changes nothing."""
    chars = sorted({*_changing(), *simplified(), *LOOKALIKES} - {"\n"})
    steps = {char: after for char, after in zip(chars, _stepped(chars), strict=True) if char != after}
    table, text = str.maketrans(steps), "\n".join(steps)
    for _ in range(_MOST_STEPS):
        text = text.translate(table)
    return dict(zip(steps, text.split("\n"), strict=True))


@lru_cache(maxsize=1)
def fold_table() -> FoldTable:
    """The table, 4.4 MB and some 60 ms to build, once a process. Its digest is part of detectors' versions."""
    to = np.arange(CODE_POINTS, dtype=np.uint32)
    longer: list[str] = []
    for char, folded in _folded().items():
        code = ord(char)
        if len(folded) > 1:
            to[code] = CODE_POINTS + len(longer)
            longer.append(folded)
        else:
            to[code] = ord(folded) if folded else 0
    for a, b in _IGNORABLE:
        to[a:b] = 0
    to[0] = 0
    to[0xD800:0xE000] = REPLACEMENT  # lone surrogates: they could not be encoded for matching
    to[SENTINEL] = SENTINEL
    flat = np.frombuffer("".join(longer).encode("utf-32-le"), dtype=np.uint32)
    lengths = np.array([len(s) for s in longer], dtype=np.int64)
    digest = hashlib.sha256(to.data)
    digest.update(flat.data)
    to.flags.writeable = False
    return FoldTable(to, tuple(longer), lengths, np.cumsum(lengths), flat, digest.hexdigest())
