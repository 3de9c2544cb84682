"""MinHash signatures of texts, for the search for near duplicates (Broder 1997; banding: Leskovec et al., ch. 3).

What is compared is a text's *near form*: traditional texts go through OpenCC's `tw2sp` (Taiwan's words and characters
to the mainland's), every text through the detectors' fold (NFKC, format characters dropped, single characters
simplified, lower case), and blanks are dropped, so that neither width, script, line breaks nor indentation tell two
copies apart. `tw2sp` only where a text *is* traditional: on simplified text it rewrites the mainland's own words (文件
to 文档), which moved twins apart (744 converted manual pages: median Jaccard 0.92 instead of 0.96), and it is the
dearest part.

A signature is 28 bands of 4 minima over the hashes of all runs of 5 code points of the near form.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from corpusgate.errors import DetectorMissing
from corpusgate.intake.detectors.batch import Batch
from corpusgate.intake.detectors.fold import fold_codes, join
from corpusgate.intake.detectors.fold_table import CODE_POINTS, SENTINEL, fold_table

NAME = "minhash"
FAMILY = "signature"
ALGORITHM = "minhash-tw2sp-5-28x4-v1"
SHINGLE, BANDS, ROWS = 5, 28, 4
BYTES = BANDS * ROWS * 4
"""A signature: little-endian uint32, band after band."""

SEQUENCE_LIMIT = 32_768
"""Runs of a text that are compared in their order; of a longer text, this many smallest hashes are."""

_SEED = 20251124
_TRADITIONAL_SHARE = 0.10  # of a text's Han characters; manual pages: simplified 0, traditional 0.22 to 0.51
_CODES_AT_ONCE = 400_000
_RUNS_AT_ONCE = 32_768  # few enough for what is worked on to stay in the processor's cache
_PACKED = struct.Struct(f"<{BANDS * ROWS}I")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HAN = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0x20000, 0x323B0))
# Any odd numbers with bits all over; a part of the algorithm, so never to be changed under the same version.
_FACTORS = tuple(
    np.uint64(f)
    for f in (0xA0D2C7E96F4B1853, 0x71C64E9D3B8FA265, 0xE94B26D1857C3A0F, 0x5D8A31F7C2E6904B, 0xB36F9504EA1D78C9)
)


@dataclass(frozen=True, slots=True)
class ShingleSequence:
    """The runs of a text as 32-bit hashes: all of them in their order (`whole`), or the smallest distinct ones."""

    hashes: np.ndarray
    whole: bool


def version() -> str:
    """`ALGORITHM` and a digest of the data it rests on: signatures of different versions must not be compared."""
    import opencc
    import rensa

    minima = str(rensa.RMinHash.ALGORITHM_VERSION)  # ty: ignore[missing-attribute]
    parts = (fold_table().digest, opencc.__version__, minima)
    return f"{ALGORITHM}-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:8]}"


def prove() -> None:
    """Raises DetectorMissing unless this worker's libraries sign a text and its Taiwan form alike, and others apart."""
    mainland, taiwan, other = sign(
        ["打印文件之前请关闭窗口。", "列印檔案之前請關閉視窗。", "今天的天气很好，我们去散步。"]
    )
    if mainland is None or mainland != taiwan or mainland == other:
        raise DetectorMissing(f"This worker's libraries do not sign texts as {ALGORITHM} does.")


def sign(texts: Sequence[str]) -> list[bytes | None]:
    """A signature (`BYTES` long) a text; None where the near form is shorter than a run: then only copies can be told.

    Never raises on a str. Does not depend on which texts come together. Memory is bounded by `_CODES_AT_ONCE`, not by
    the length of a text.
    """
    out: list[bytes | None] = []
    for batch in _batches(texts):
        if len(batch) == 1 and len(batch[0]) > _CODES_AT_ONCE:
            out.append(_sign_long(batch[0]))
            continue
        out += _signed(_near_form(batch))
    return out


def sign_batch(batch: Batch) -> list[bytes | None]:
    """`sign` of the texts of a batch, which is folded already."""
    if len(batch.texts) == 1 and len(batch.texts[0]) > _CODES_AT_ONCE:
        return sign(batch.texts)
    folded = batch.folded
    codes, chosen = folded.codes, _traditional(folded.stored, np.asarray(folded.stored_starts, dtype=np.int64))
    if chosen.size:
        converted, _ = fold_codes(join([_converted(batch.texts[at]) for at in chosen.tolist()]))
        cuts = np.flatnonzero(converted == SENTINEL)
        parts, done = [], 0
        for nth, at in enumerate(chosen.tolist()):
            parts += (codes[done : folded.starts[at]], converted[cuts[nth] + 1 : cuts[nth + 1]])
            done = folded.ends[at]
        codes = np.concatenate((*parts, codes[done:]))
    return _signed(_solid(codes))


def _signed(near: np.ndarray) -> list[bytes | None]:
    hashes, counts = _shingles(near)
    return [row if n else None for row, n in zip(_minima(hashes, counts), counts.tolist(), strict=True)]


def sequences(texts: Sequence[str]) -> list[ShingleSequence]:
    """What a pair of texts is checked by (see `decide.near.compare`), a text each."""
    out: list[ShingleSequence] = []
    for batch in _batches(texts):
        if len(batch) == 1 and len(batch[0]) > SEQUENCE_LIMIT:
            out.append(_long_sequence(batch[0]))
            continue
        hashes, counts = _shingles(_near_form(batch))
        parts = np.split((hashes >> np.uint64(32)).astype("<u4"), np.cumsum(counts)[:-1])
        out += [ShingleSequence(p, True) if p.size <= SEQUENCE_LIMIT else _smallest([p]) for p in parts]
    return out


def near_form(text: str) -> str:
    """The near form of one text, for people and tests."""
    return "".join(c[1:-1].tobytes().decode("utf-32-le") for c in _pieces(text))


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    start, size = 0, 0
    for at, text in enumerate(texts):
        if at > start and size + len(text) > _CODES_AT_ONCE:
            yield texts[start:at]
            start, size = at, 0
        size += len(text)
    if start < len(texts):
        yield texts[start:]


def _near_form(texts: Sequence[str], traditional: bool | None = None) -> np.ndarray:
    """Code points of the near forms, a sentinel before, between and after them. `traditional` None: each text's own."""
    codes = join(texts)
    if traditional is None:
        chosen = _traditional(codes, np.flatnonzero(codes == SENTINEL)[:-1] + 1)
    else:
        chosen = np.arange(len(texts)) if traditional else np.zeros(0, dtype=np.int64)
    if chosen.size:
        converted = list(texts)
        for at in chosen.tolist():
            converted[at] = _converted(texts[at])
        codes = join(converted)
    folded, _ = fold_codes(codes)
    return _solid(folded)


def _solid(codes: np.ndarray) -> np.ndarray:
    """The code points that are no blanks."""
    return codes.take(np.flatnonzero(_tables().solid.take(codes)))


def _traditional(codes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Numbers of the traditional texts among joined ones, which start at these places."""
    return np.flatnonzero(_is_traditional(*_script(codes, starts)))


def _converted(text: str) -> str:
    return _converter().convert(_SURROGATE.sub("\ufffd", text))


def _script(codes: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Han characters, and those of them that have another simplified form, of each text (a sentinel ends each)."""
    kinds = _tables().han.take(codes)
    other = np.add.reduceat(kinds >> 1, starts, dtype=np.uint32)
    return np.add.reduceat(kinds, starts, dtype=np.uint32) - other, other


def _is_traditional(han: np.ndarray, other: np.ndarray) -> np.ndarray:
    return (other > 0) & (other >= _TRADITIONAL_SHARE * han)


def _shingles(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hashes (uint64) of all runs of `SHINGLE` code points that lie within one text, and how many each text has."""
    edges = np.flatnonzero(codes == SENTINEL)
    counts = np.maximum(np.diff(edges) - SHINGLE, 0)
    last = max(codes.size - SHINGLE + 1, 0)
    hashes = np.empty(last, dtype=np.uint64)
    for at in range(0, last, _RUNS_AT_ONCE):
        _hash(codes[at : at + _RUNS_AT_ONCE + SHINGLE - 1].astype(np.uint64), hashes[at : at + _RUNS_AT_ONCE])
    within = np.ones(last, dtype=bool)
    for step in range(SHINGLE):
        at = edges - step
        within[at[(at >= 0) & (at < last)]] = False
    return hashes[within], counts


def _hash(wide: np.ndarray, out: np.ndarray) -> None:
    """The hash of each run of these code points, into `out`."""
    part = np.empty_like(out)
    np.multiply(wide[: out.size], _FACTORS[0], out=out)
    for step in range(1, SHINGLE):
        out += np.multiply(wide[step : step + out.size], _FACTORS[step], out=part)
    _mix(out, part)


def _mix(hashes: np.ndarray, part: np.ndarray) -> None:
    """Spreads every bit over all others, in place (Stafford's finisher 13 of MurmurHash3, as in SplitMix64)."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes ^= np.right_shift(hashes, np.uint64(shift), out=part)
        hashes *= np.uint64(factor)
    hashes ^= np.right_shift(hashes, np.uint64(31), out=part)


def _minima(hashes: np.ndarray, counts: np.ndarray) -> list[bytes]:
    """`BANDS * ROWS` little-endian uint32 a text; all ones for a text without a run."""
    from rensa import RMinHash  # ty: ignore[missing-module-member]

    offsets = np.zeros(counts.size + 1, dtype=np.int64)
    np.cumsum(counts, out=offsets[1:])
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, BANDS * ROWS, _SEED)
    return [_PACKED.pack(*row) for row in matrix.to_rows()]


def _pieces(text: str) -> Iterator[np.ndarray]:
    """The near form of one text, piece by piece, each between two sentinels; the text is cut at fixed places."""
    cuts = [text[at : at + _CODES_AT_ONCE] for at in range(0, len(text), _CODES_AT_ONCE)]
    han, other = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for cut in cuts:
        counted = _script(join([cut]), np.ones(1, dtype=np.int64))
        han, other = han + counted[0], other + counted[1]
    traditional = bool(_is_traditional(han, other)[0])
    for cut in cuts:
        yield _near_form([cut], traditional)


def _long_hashes(text: str) -> Iterator[np.ndarray]:
    """The hashes of all runs of one text, in their order, piece by piece."""
    edge = np.full(1, SENTINEL, dtype=np.uint32)
    carried = edge[:0]
    for piece in _pieces(text):
        codes = np.concatenate((carried, piece[1:-1]))
        yield _shingles(np.concatenate((edge, codes, edge)))[0]
        carried = codes[-(SHINGLE - 1) :]


def _sign_long(text: str) -> bytes | None:
    lowest: np.ndarray | None = None
    for hashes in _long_hashes(text):
        if hashes.size:
            minima = np.frombuffer(_minima(hashes, np.array([hashes.size]))[0], dtype="<u4")
            lowest = minima if lowest is None else np.minimum(lowest, minima)
    return None if lowest is None else lowest.astype("<u4").tobytes()


def _long_sequence(text: str) -> ShingleSequence:
    kept: list[np.ndarray] = []
    total, whole = 0, True
    for hashes in _long_hashes(text):
        kept.append((hashes >> np.uint64(32)).astype("<u4"))
        total += hashes.size
        if total > SEQUENCE_LIMIT:
            kept, whole = [_smallest(kept).hashes], False
    return ShingleSequence(np.concatenate(kept) if kept else np.zeros(0, dtype="<u4"), whole)


def _smallest(parts: Sequence[np.ndarray]) -> ShingleSequence:
    distinct = np.unique(np.concatenate(parts))
    return ShingleSequence(distinct[:SEQUENCE_LIMIT].astype("<u4"), False)


@dataclass(frozen=True, slots=True)
class _Tables:
    """A code point each: `han` 0 no Han character, 1 Han, 2 Han with another simplified form; `solid` no blank."""

    han: np.ndarray
    solid: np.ndarray


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    fold = fold_table().to
    han, solid = np.zeros(CODE_POINTS, dtype=np.uint8), np.ones(CODE_POINTS, dtype=bool)
    for first, end in _HAN:
        han[first:end] = 1 + (fold[first:end] != np.arange(first, end))
    solid[[c for c in range(0x3001) if chr(c).isspace()]] = False
    return _Tables(han, solid)


@lru_cache(maxsize=1)
def _converter():
    from opencc import OpenCC

    return OpenCC("tw2sp")
