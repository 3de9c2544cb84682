"""Classes of code points for script and quality: one byte each, from Unicode's data and OpenCC's tables."""

from __future__ import annotations

import json
import tempfile
import unicodedata
from functools import lru_cache
from pathlib import Path

import numpy as np

from corpusgate.intake.detectors.batch import Batch
from corpusgate.intake.detectors.fold_table import CODE_POINTS, changed_by, simplified

(
    OTHER,
    HANI,
    HANS,
    HANT,
    YUE,
    KANA,
    HANG,
    LATN,
    CYRL,
    GREK,
    ARAB,
    HEBR,
    TIBT,
    MONG,
    DEVA,
    THAI,
    DIGIT,
    SPACE,
    PUNCT,
    SYMBOL,
    BROKEN,
    MARK,
) = range(22)
CLASSES = 22
"""HANI, HANS, HANT and YUE are Han; HANI to THAI are letters."""
SCRIPTS = {
    KANA: "Jpan",
    HANG: "Kore",
    LATN: "Latn",
    CYRL: "Cyrl",
    GREK: "Grek",
    ARAB: "Arab",
    HEBR: "Hebr",
    TIBT: "Tibt",
    MONG: "Mong",
    DEVA: "Deva",
    THAI: "Thai",
}

_LOOKED_UP = [(0, 0x3400), (0xA000, 0xAC00), (0xF900, 0x20000)]
"""Where Unicode's categories are asked for: everything else is in a range of one class."""
_TOLD_APART = [(0x3400, 0x4DC0), (0x4E00, 0xA000)]
"""Han characters of which simplified and traditional ones are told apart."""
_RANGES = [
    (0x3400, 0x4DC0, HANI),
    (0x4E00, 0xA000, HANI),
    (0xF900, 0xFB00, HANI),
    (0x20000, 0x323B0, HANI),
    (0x3041, 0x3100, KANA),
    (0x31F0, 0x3200, KANA),
    (0xFF66, 0xFFA0, KANA),
    (0x1100, 0x1200, HANG),
    (0x3130, 0x3190, HANG),
    (0xAC00, 0xD7B0, HANG),
]
_ALPHABETS = [
    (0x41, 0x250, LATN),
    (0x1E00, 0x1F00, LATN),
    (0xFF21, 0xFF5B, LATN),
    (0x370, 0x400, GREK),
    (0x1F00, 0x2000, GREK),
    (0x400, 0x530, CYRL),
    (0x590, 0x600, HEBR),
    (0x600, 0x780, ARAB),
    (0xFB50, 0xFE00, ARAB),
    (0xFE70, 0xFEFF, ARAB),
    (0x900, 0x980, DEVA),
    (0xE00, 0xE80, THAI),
    (0xF00, 0x1000, TIBT),
    (0x1800, 0x18B0, MONG),
]
_BROKEN = "锟斤拷烫屯\ufffd"
"""What wrong decoding leaves: U+FFFD, its bytes read as GBK, and uninitialised memory shown as GBK."""
_CANTONESE = "嘅咗喺嚟啲嘢佢哋唔嗰"
"""Characters that written Cantonese uses all the time and other written Chinese hardly ever."""
_SYMBOLS = "#…"
"""What Gopher counts as symbols, though Unicode calls them punctuation."""


_KINDS = {
    "Nd": DIGIT, "Mn": MARK, "Mc": MARK, **dict.fromkeys(("Zs", "Zl", "Zp"), SPACE),
    **dict.fromkeys(("Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"), PUNCT),
    **dict.fromkeys(("Sc", "Sk", "Sm", "So"), SYMBOL),
}  # fmt: skip
"""Unicode's categories; letters and marks have their alphabet's class where they are in one."""
_LETTERS = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc"))


def classes_of(batch: Batch) -> np.ndarray:
    """uint8 a stored code point of the batch, sentinels too; kept in the batch."""
    if batch.kinds is None:
        batch.kinds = code_classes().take(batch.folded.stored)
    return batch.kinds


def histogram(batch: Batch) -> np.ndarray:
    """Code points of each class (columns) in each text (rows); kept in the batch."""
    if batch.counts is None:
        starts = np.asarray(batch.folded.stored_starts, dtype=np.int64)
        kinds = classes_of(batch)
        lengths = np.diff(np.append(starts, kinds.size))  # each with the sentinel after it
        rows = np.repeat(np.arange(starts.size, dtype=np.int32) * CLASSES, lengths)
        rows += kinds[1:]
        counts = np.bincount(rows, minlength=starts.size * CLASSES).reshape(starts.size, CLASSES)
        counts[:, kinds[0]] -= 1
        batch.counts = counts
    return batch.counts


@lru_cache(maxsize=1)
def code_classes() -> np.ndarray:
    """uint8 a code point, 1.1 MB, built once a process."""
    out = np.zeros(CODE_POINTS, dtype=np.uint8)
    codes = np.concatenate([np.arange(a, b, dtype=np.uint32) for a, b in _LOOKED_UP])
    categories = list(map(unicodedata.category, codes.tobytes().decode("utf-32-le")))
    out[codes] = [_KINDS.get(category, OTHER) for category in categories]
    letters = np.zeros(CODE_POINTS, dtype=bool)
    letters[codes] = [category in _LETTERS for category in categories]
    for a, b, kind in _ALPHABETS:
        out[a:b][letters[a:b]] = kind
    out[[ord(c) for c in "\t\n\r\v\f"]] = SPACE
    for a, b, kind in _RANGES:
        out[a:b] = kind
    out[[ord(c) for c in changed_by(traditional_forms, _TOLD_APART)]] = HANS
    out[[ord(c) for c in simplified() if any(a <= ord(c) < b for a, b in _TOLD_APART)]] = HANT
    out[[ord(c) for c in _CANTONESE]] = YUE
    out[[ord(c) for c in _SYMBOLS]] = SYMBOL
    out[[ord(c) for c in _BROKEN]] = BROKEN
    return out


def traditional_forms(text: str) -> str:
    """A text of characters that stand by themselves, in traditional form: OpenCC's s2t without its phrases, which take
    a tenth of a second to load and say nothing of one character."""
    import opencc

    here = Path(opencc.__file__).parent / "clib" / "share" / "opencc" / "STCharacters.ocd2"
    characters = {"type": "ocd2", "file": str(here)}
    config = {
        "name": "characters", "segmentation": {"type": "mmseg", "dict": characters},
        "conversion_chain": [{"dict": characters}],
    }  # fmt: skip
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(config, file)
        file.flush()
        return opencc.OpenCC(file.name).convert(text)
