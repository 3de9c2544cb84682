"""Comparing the texts of buckets, Arrow batches at a time: what Spark's workers run. No Spark is imported here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from corpusgate.decide.near.rules import JACCARD_FLOOR, Likeness, overlap_at_least, pair
from corpusgate.intake.detectors.signature import SHINGLE, ShingleSequence, sequences

SEQUENCES = pa.schema([("text_sha256", pa.string()), ("hashes", pa.binary()), ("whole", pa.bool_())])
COMPARED = pa.schema([
    ("text_a", pa.string()), ("text_b", pa.string()), ("batch_id", pa.string()),
    ("jaccard", pa.float64()), ("overlap", pa.float64()),
])  # fmt: skip


_ROWS_A_BATCH = 4096


class Compared(NamedTuple):
    """A pair that was compared (columns as in `near_edge`)."""

    text_a: str
    text_b: str
    batch_id: str
    jaccard: float
    overlap: float


@dataclass(frozen=True, slots=True)
class Member:
    """A text in a bucket. `shared`: all buckets in which it meets others. `new`: pairs of two that are not new are not
    compared. `batch_id`: of the text."""

    text_sha256: str
    batch_id: str
    shared: frozenset[int]
    new: bool
    runs: ShingleSequence


def sequence_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """`text_sha256, text` to `SEQUENCES`; runs as little-endian uint32."""
    for batch in batches:
        found = sequences(batch.column("text").to_pylist())
        columns = [
            batch.column("text_sha256"),
            pa.array([s.hashes.tobytes() for s in found], pa.binary()),
            pa.array([s.whole for s in found], pa.bool_()),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=SEQUENCES)


def compare_batches(batches: Iterator[pa.RecordBatch], floor: bool = True) -> Iterator[pa.RecordBatch]:
    """Compares within buckets; `batches` hold their members one after the other, a bucket's all together.

    In: bucket, text_sha256, batch_id, buckets, new, hashes, whole. Out: `COMPARED`; with `floor` only edges.
    A pair that meets in several buckets is compared in the smallest. `batch_id` is that of the pair's new text, of two
    new ones the greater.
    """
    rows: list[Compared] = []
    for bucket, members in _groups(batches):
        rows += compare_group(bucket, members, floor=floor)
        if len(rows) >= _ROWS_A_BATCH:
            yield _as_batch(rows)
            rows = []
    yield _as_batch(rows)


def _as_batch(rows: Sequence[Compared]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([r._asdict() for r in rows], schema=COMPARED)


def compare_group(bucket: int, members: Sequence[Member], *, floor: bool = True) -> list[Compared]:
    """The pairs of one bucket, in the order of their hashes."""
    # Each new one is compared with all that stand after it.
    told = {m.text_sha256: m for m in members if m.runs.hashes.size}
    ordered = sorted(told.values(), key=lambda m: (not m.new, m.text_sha256))
    lower = [frozenset(b for b in m.shared if b < bucket) for m in ordered]
    rows = []
    for left, right, like in _alike(ordered, lower, JACCARD_FLOOR if floor else 0.0):
        if floor and not like.is_edge:
            continue
        a, b = ordered[left], ordered[right]
        batch = max(m.batch_id for m in (a, b) if m.new)
        rows.append(Compared(*pair(a.text_sha256, b.text_sha256), batch, like.jaccard, like.overlap))
    return sorted(rows)


def likeness(a: ShingleSequence, b: ShingleSequence) -> Likeness:
    """How alike two texts are (see `Likeness`).

    Of texts longer than `SEQUENCE_LIMIT` runs the Jaccard similarity is estimated from the smallest hashes of both
    (bottom-k sketch; standard error at most 0.003), and the overlap is what that similarity promises.
    """
    if a.whole and b.whole:
        return _exact(a.hashes, b.hashes)
    left, right = _distinct(a.hashes), _distinct(b.hashes)
    # Above the last hash of a cut list nothing is known of its text.
    known = min(int(x[-1]) if x.size and not s.whole else 0xFFFFFFFF for x, s in ((left, a), (right, b)))
    left, right = left[left <= known], right[right <= known]
    both = int(np.intersect1d(left, right, assume_unique=True).size)
    either = left.size + right.size - both
    similarity = both / either if either else 0.0
    return Likeness(similarity, overlap_at_least(similarity))


def _exact(a: np.ndarray, b: np.ndarray) -> Likeness:
    """Of two whole texts: one sort of all their runs, each with its place, tells which of them both have."""
    if not (a.size and b.size):
        return Likeness(0.0, 0.0)
    between = SHINGLE - 1  # places after each text where none of its runs begins, but the last ones end
    size, length = a.size + b.size, a.size + b.size + 2 * between
    place = np.arange(size + between, dtype=np.uint64)
    placed = np.concatenate((a, b), dtype=np.uint64) << np.uint64(32)
    placed[: a.size] |= place[: a.size]
    placed[a.size :] |= place[a.size + between :]
    placed.sort()
    runs, at = placed >> np.uint64(32), (placed & np.uint64(0xFFFFFFFF)).view(np.int64)
    same, of_a = runs[1:] == runs[:-1], at < a.size
    meets = same & (of_a[:-1] > of_a[1:])  # once for each run that both have
    both, either = int(np.count_nonzero(meets)), size - int(np.count_nonzero(same))
    hit = np.zeros(length, dtype=bool)
    hit[at] = _spread(meets, same)
    covered = int(np.count_nonzero(_covered(hit)))
    return Likeness(both / either, covered / length if both else 0.0)


def _spread(meets: np.ndarray, same: np.ndarray) -> np.ndarray:
    """The places of all equal neighbours (`same`: one is as the next) of which two meet, in ever wider steps."""
    found = np.zeros(same.size + 1, dtype=bool)
    found[1:] = meets
    found[:-1] |= meets
    step = 1
    while same.any():
        found[step:] |= found[:-step] & same
        found[:-step] |= found[step:] & same
        same = same[step:] & same[:-step]
        step *= 2
    return found


def _distinct(hashes: np.ndarray) -> np.ndarray:
    """`np.unique`, in a fifth of its time on arrays of this size."""
    ordered = np.sort(hashes)
    return ordered[np.concatenate((np.ones(min(ordered.size, 1), dtype=bool), ordered[1:] != ordered[:-1]))]


def _covered(hit: np.ndarray) -> np.ndarray:
    """The characters that stand in a run that was hit."""
    wide = hit.copy()
    for step in range(1, SHINGLE):
        wide[step:] |= hit[:-step]
    return wide


@dataclass(slots=True)
class _Layout:
    """Texts one after the other, their runs numbered densely: `distinct` each text's own numbers once, `ordered` all in
    order, each text followed by `SHINGLE - 1` places of number `blank`, which no text has."""

    distinct: np.ndarray
    distinct_at: np.ndarray
    ordered: np.ndarray
    ordered_at: np.ndarray
    blank: int
    present: np.ndarray = field(repr=False)


def _lay_out(members: Sequence[Member]) -> _Layout:
    lengths = [m.runs.hashes.size for m in members]
    _, numbers = np.unique(np.concatenate([m.runs.hashes for m in members]), return_inverse=True)
    blank = int(numbers.max(initial=-1)) + 1
    texts = np.split(numbers.astype(np.int32), np.cumsum(lengths)[:-1])
    own = [_distinct(t) for t in texts]
    pad = np.full(SHINGLE - 1, blank, dtype=np.int32)
    padded = [part for t in texts for part in (t, pad)]
    return _Layout(
        np.concatenate(own), np.cumsum([0, *(o.size for o in own)]),
        np.concatenate(padded), np.cumsum([0, *(n + SHINGLE - 1 for n in lengths)]),
        blank, np.zeros(blank + 1, dtype=bool),
    )  # fmt: skip


def _alike(
    members: Sequence[Member], lower: Sequence[frozenset[int]], floor: float
) -> Iterator[tuple[int, int, Likeness]]:
    """(left, right, likeness) of all pairs with a new left one whose Jaccard similarity is at least `floor`, without
    those that meet in a `lower` bucket (of each text the smaller ones it is in)."""
    fresh = sum(m.new for m in members)
    pairs = fresh * (2 * len(members) - fresh - 1) // 2
    # A bucket is laid out where that is done for more pairs than it has texts.
    if pairs <= len(members) or not all(m.runs.whole for m in members):
        for left in range(fresh):
            for right in range(left + 1, len(members)):
                if not lower[left].isdisjoint(lower[right]):
                    continue
                like = likeness(members[left].runs, members[right].runs)
                if like.jaccard >= floor:
                    yield left, right, like
        return
    layout = _lay_out(members)
    found = [_similar(layout, left, lower, floor) for left in range(min(fresh, len(members) - 1))]
    share = _shares(layout, found, len(members))
    length = np.diff(layout.ordered_at)
    for left, (rights, similarities) in enumerate(found):
        for right, similarity in zip(rights.tolist(), similarities.tolist(), strict=True):
            covered = share[left][right] + share[right][left]
            yield left, right, Likeness(similarity, covered / int(length[left] + length[right]) if similarity else 0.0)


def _similar(
    layout: _Layout, left: int, lower: Sequence[frozenset[int]], floor: float
) -> tuple[np.ndarray, np.ndarray]:
    """The texts after `left` that are similar to it, and how much."""
    at, first = layout.distinct_at, int(layout.distinct_at[left + 1])
    mine = layout.distinct[at[left] : first]
    layout.present[mine] = True
    hits = layout.present[layout.distinct[first:]]
    layout.present[mine] = False
    sizes = np.diff(at[left + 1 :])
    both = np.add.reduceat(hits, at[left + 1 : -1] - first, dtype=np.int64)
    both[sizes == 0] = 0
    similarity = both / np.maximum(mine.size + sizes - both, 1)
    chosen = np.flatnonzero(similarity >= floor)
    apart = [lower[left].isdisjoint(lower[right]) for right in (chosen + left + 1).tolist()]
    chosen = chosen[np.array(apart, dtype=bool)]
    return chosen + left + 1, similarity[chosen]


def _shares(layout: _Layout, found: Sequence[tuple[np.ndarray, np.ndarray]], size: int) -> list[dict[int, int]]:
    """`[x][y]`: how many characters of text y stand in a run that x has, for the pairs found and their reverses."""
    wanted: list[set[int]] = [set() for _ in range(size)]
    for left, (rights, _) in enumerate(found):
        wanted[left].update(rights.tolist())
        for right in rights.tolist():
            wanted[right].add(left)
    out: list[dict[int, int]] = []
    for text, others in enumerate(wanted):
        out.append(_covered_by(layout, text, sorted(others)) if others else {})
    return out


def _covered_by(layout: _Layout, text: int, others: Sequence[int]) -> dict[int, int]:
    mine = layout.distinct[layout.distinct_at[text] : layout.distinct_at[text + 1]]
    at = layout.ordered_at
    runs = np.concatenate([layout.ordered[at[o] : at[o + 1]] for o in others])
    layout.present[mine] = True
    hits = layout.present[runs]
    layout.present[mine] = False
    starts = np.cumsum([0, *(at[o + 1] - at[o] for o in others)])[:-1]
    return dict(zip(others, np.add.reduceat(_covered(hits), starts, dtype=np.int64).tolist(), strict=True))


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, list[Member]]]:
    """Runs of rows with the same bucket, across batches."""
    bucket: int | None = None
    members: list[Member] = []
    for batch in batches:
        numbers = batch.column("bucket").to_numpy(zero_copy_only=False)
        cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), batch.num_rows]
        for start, end in pairwise(cuts):
            if start == end:
                continue
            if bucket is not None and int(numbers[start]) != bucket:
                yield bucket, members
                members = []
            bucket = int(numbers[start])
            members += _members(batch.slice(start, end - start))
    if bucket is not None:
        yield bucket, members


def _members(batch: pa.RecordBatch) -> list[Member]:
    names = ("text_sha256", "batch_id", "buckets", "new", "whole")
    rows = zip(*(batch.column(n).to_pylist() for n in names), batch.column("hashes"), strict=True)
    return [
        Member(text, its, frozenset(shared), new, ShingleSequence(np.frombuffer(h.as_buffer(), dtype="<u4"), whole))
        for text, its, shared, new, whole, h in rows
    ]
