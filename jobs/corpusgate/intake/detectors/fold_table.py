"""The fold as a table: code point to code point, built once a process from Unicode's data, OpenCC's and ours.

Steps for one code point, repeated until nothing changes: drop format characters and other invisible ones, NFKC,
traditional
to simplified (OpenCC t2s, single characters, so that lengths hold), lower case, then our own small list of look-alikes.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from functools import lru_cache, partial

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


def _simplified() -> dict[str, str]:
    from opencc import OpenCC

    chars = [chr(c) for a, b in _HAN for c in range(a, b)]
    out = OpenCC("t2s").convert("\n".join(chars)).split("\n")
    return {a: b for a, b in zip(chars, out, strict=True) if a != b}


def _dropped(char: str) -> bool:
    category = unicodedata.category(char)
    if category == "Cf":
        return True
    if category == "Cc":  # NUL and its kind hide as well as a zero-width space does
        return char not in "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"
    return False


def _changing(simple: dict[str, str]) -> list[str]:
    """The characters that a step may do something to: of most it does nothing, and to try it on all takes long."""
    looked_up = np.ones(CODE_POINTS, dtype=bool)
    for a, b in _PLAIN:
        looked_up[a:b] = False
    looked_up[[ord(c) for c in (*simple, *LOOKALIKES)]] = True
    chars = list(map(chr, np.flatnonzero(looked_up).tolist()))
    composed = map(partial(unicodedata.normalize, "NFKC"), chars)
    told = zip(chars, composed, map(str.lower, chars), map(unicodedata.category, chars), strict=True)
    return [
        char for char, other, low, category in told
        if other != char or low != char or category in ("Cf", "Cc") or char in simple or char in LOOKALIKES
    ]  # fmt: skip


def _step(text: str, simple: dict[str, str]) -> str:
    out = []
    for char in text:
        if _dropped(char):
            continue
        for piece in unicodedata.normalize("NFKC", char):
            out.extend(LOOKALIKES.get(low, low) for low in simple.get(piece, piece).lower())
    return "".join(out)


def fold_char(char: str, simple: dict[str, str]) -> str:
    """The fold of one character by itself: empty = dropped. Ends at a fixed point, so folding twice changes nothing."""
    before = char
    for _ in range(6):
        after = _step(before, simple)
        if after == before:
            break
        before = after
    return before


@lru_cache(maxsize=1)
def fold_table() -> FoldTable:
    """The table, 4.4 MB and a fifth of a second to build, once a process. Its digest is part of detectors' versions."""
    simple = _simplified()
    to = np.arange(CODE_POINTS, dtype=np.uint32)
    longer: list[str] = []
    for char in _changing(simple):
        code, folded = ord(char), fold_char(char, simple)
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
    digest = hashlib.sha256(to.tobytes() + flat.tobytes()).hexdigest()
    to.flags.writeable = False
    return FoldTable(to, tuple(longer), lengths, np.cumsum(lengths), flat, digest)
