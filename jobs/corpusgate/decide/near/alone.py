"""The search for near duplicates without Spark, for lakes whose signatures fit into one process.

It reads and writes what `job.py` does, and finds the same edges: the buckets are numpy arrays here, and the texts are
compared by the same function (`compare.compare_group`). Overfull buckets are left to Spark: where one ever was, or is
now, `fresh` says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow.compute as pc

from corpusgate.decide.near.compare import Compared, Member, compare_group
from corpusgate.decide.near.rules import JACCARD_FLOOR, OVERFULL, OVERLAP_FLOOR, Pair
from corpusgate.decide.near.xxh64 import SEED, xxh64
from corpusgate.intake.detectors.signature import BANDS, BYTES, ROWS, ShingleSequence
from corpusgate.lake import store
from corpusgate.lake.dialect import literal
from corpusgate.settings.place import Place

_WIDTH = ROWS * 4
_ENDS = 1 << 20


@dataclass(frozen=True, slots=True)
class Signed:
    """The signatures of the lake, a row each: text, batch, whether the batch is new, `who` (the text's hash as a
    number) and the minima as bytes."""

    texts: list[str]
    batches: list[str]
    who: np.ndarray
    minima: np.ndarray


@dataclass(slots=True)
class Fresh:
    """What is to be compared: the new batches (with number and checksum of their texts), and who meets whom.

    `meetings`: bucket -> rows of its members; `shared`: row -> all its buckets.
    """

    batches: dict[str, tuple[int, int]]
    signed: Signed
    meetings: dict[int, list[int]] = field(default_factory=dict)
    shared: dict[int, list[int]] = field(default_factory=dict)

    @property
    def texts(self) -> set[str]:
        """The texts that must be read."""
        return {self.signed.texts[row] for row in self.shared}

    def compared(self, runs: Mapping[str, ShingleSequence]) -> list[Compared]:
        """The edges among them; a text that has no `runs` is gone and takes no part."""
        out: list[Compared] = []
        for bucket, rows in sorted(self.meetings.items()):
            members = [
                Member(text, self.signed.batches[r], frozenset(self.shared[r]), self._new(r), runs[text])
                for r in rows
                if (text := self.signed.texts[r]) in runs
            ]
            out += compare_group(bucket, members)
        return out

    def _new(self, row: int) -> bool:
        return self.signed.batches[row] in self.batches


def fresh(place: Place, algorithm: str, limit: int = OVERFULL) -> Fresh | None:
    """What must be compared before a candidate is judged; None where a bucket is or was overfull."""
    of = f"algorithm = {literal(algorithm)}"
    if store.query(place, f"SELECT count(*) AS n FROM near_bucket WHERE {of}", ["near_bucket"]).to_pylist()[0]["n"]:
        return None
    there = _batches(_named(place, of))
    known = store.read(place, "near_batch", where=of).to_pylist()
    compared = {r["batch_id"]: (r["texts"], r["checksum"]) for r in known}
    new = {b: what for b, what in there.items() if compared.get(b) != what}
    if not new:
        return Fresh({}, Signed([], [], np.zeros(0, np.uint64), np.zeros((0, BYTES), np.uint8)))
    found = Fresh(new, _signed(place, of))
    return found if _meet(found, limit) else None


def edges(place: Place, algorithm: str, run_id: str, new: Fresh, found: Iterable[Compared]) -> dict[Pair, Any]:
    """Stores what the comparison `found` and that its batches were compared; returns all edges (pair -> row)."""
    of = f"algorithm = {literal(algorithm)}"
    stored = store.read(place, "near_edge", where=of).to_pylist()
    others = {(r["text_a"], r["text_b"]): r for r in stored if r["batch_id"] not in new.batches}
    added = [
        {**one._asdict(), "algorithm": algorithm} for one in sorted(found) if (one.text_a, one.text_b) not in others
    ]
    if new.batches:
        where = f"batch_id IN ({', '.join(map(literal, sorted(new.batches)))}) AND {of}"
        store.replace(place, "near_edge", added, where, run_id)
        rows = [
            {"batch_id": b, "algorithm": algorithm, "texts": texts, "checksum": checksum, "run_id": run_id}
            for b, (texts, checksum) in sorted(new.batches.items())
        ]
        store.replace(place, "near_batch", rows, where, run_id)  # last: killed before, they are compared again
    return others | {(r["text_a"], r["text_b"]): r for r in added}


def among(found: Mapping[Pair, Any], eligible: Collection[str], jaccard: float, overlap: float) -> list[Pair]:
    """The edges between eligible texts that make duplicates by these bounds."""
    jaccard, overlap = max(jaccard, JACCARD_FLOOR), max(overlap, OVERLAP_FLOOR)
    return [
        pair for pair, row in found.items()
        if row["jaccard"] >= jaccard and row["overlap"] >= overlap and pair[0] in eligible and pair[1] in eligible
    ]  # fmt: skip


def _signed(place: Place, where: str) -> Signed:
    texts, batches, pieces = list[str](), list[str](), list[np.ndarray]()
    sql = f"SELECT text_sha256, batch_id, signature FROM signature WHERE {where}"
    for batch in map(store.plain, store.stream(place, sql, ["signature"])):
        pieces.append(_minima(batch.column("signature"), where))
        texts += batch.column("text_sha256").to_pylist()
        batches += _few(batch.column("batch_id"))
    minima = np.concatenate(pieces) if pieces else np.zeros((0, BYTES), dtype=np.uint8)
    return Signed(texts, batches, _numbers("".join(texts).encode("ascii")), minima)


def _named(place: Place, where: str) -> Iterator[tuple[str, int]]:
    """Batch and number of each signed text."""
    sql = f"SELECT text_sha256, batch_id FROM signature WHERE {where}"
    for batch in map(store.plain, store.stream(place, sql, ["signature"])):
        texts = "".join(batch.column("text_sha256").to_pylist()).encode("ascii")
        yield from zip(_few(batch.column("batch_id")), _numbers(texts).view(np.int64).tolist(), strict=True)


def _numbers(texts: bytes) -> np.ndarray:
    """A number (uint64) for each of the hashes that stand here one after another."""
    return xxh64(np.frombuffer(texts, dtype=np.uint8).reshape(len(texts) // 64, 64))


def _few(column: Any) -> list[str]:
    """The values of a column that has few different ones, each held once."""
    coded = column.dictionary_encode()
    names = coded.dictionary.to_pylist()
    return [names[at] for at in coded.indices.to_pylist()]


def _minima(column: Any, where: str) -> np.ndarray:
    """The signatures as rows of bytes, from where they lie."""
    lengths = pc.call_function("min_max", [pc.call_function("binary_length", [column])]).as_py()
    if column.null_count or (len(column) and set(lengths.values()) != {BYTES}):
        raise ValueError(f"a signature that is not {BYTES} bytes long, among those of {where}")
    _, offsets, data = column.buffers()
    if data is None or not len(column):
        return np.zeros((0, BYTES), dtype=np.uint8)
    start = int(np.frombuffer(offsets, dtype=np.int32)[column.offset])
    return np.frombuffer(data, dtype=np.uint8)[start : start + BYTES * len(column)].reshape(len(column), BYTES)


def _batches(named: Iterable[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """Batch to number and checksum of its signed texts, as `job._batches` gives them."""
    found: dict[str, tuple[int, int]] = {}
    for batch, who in named:
        texts, checksum = found.get(batch, (0, 0))
        found[batch] = (texts + 1, checksum ^ who)
    return found


def _meet(found: Fresh, limit: int) -> bool:
    """Fills in who meets whom; False where a bucket is overfull."""
    signed = found.signed
    new = np.fromiter((b in found.batches for b in signed.batches), dtype=bool, count=len(signed.batches))
    rows, buckets = gathered(signed, new)
    order = np.argsort(buckets, kind="stable")
    rows, buckets = rows[order], buckets[order]
    starts = np.flatnonzero(np.concatenate((np.ones(min(buckets.size, 1), dtype=bool), buckets[1:] != buckets[:-1])))
    sizes = np.diff(np.append(starts, buckets.size))
    if not starts.size:
        return True
    shared = (sizes > 1) & np.logical_or.reduceat(new[rows], starts)
    if (sizes[shared] > limit).any():
        return False
    who = np.bitwise_xor.reduceat(signed.who[rows], starts)
    # Near copies meet in a dozen buckets with nobody else in them: the smallest of those is enough.
    seen = set[tuple[int, int]]()
    for at in np.flatnonzero(shared).tolist():
        same = (int(sizes[at]), int(who[at]))
        if same in seen:
            continue
        seen.add(same)
        bucket, inside = int(buckets[starts[at]]), rows[starts[at] : starts[at] + sizes[at]].tolist()
        found.meetings[bucket] = inside
        for row in inside:
            found.shared.setdefault(row, []).append(bucket)
    return True


def gathered(signed: Signed, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and bucket numbers (int64): new signatures in all their buckets, others in those that a new one is in."""
    touched: list[np.ndarray] = []
    rows: list[np.ndarray] = []
    everyone = np.arange(new.size)
    for band in range(BANDS):
        seed = xxh64(np.array([[band, 0, 0, 0]], dtype=np.uint8), SEED)[0]
        chosen = everyone if new.all() else _maybe(signed.minima, new, band)
        number = xxh64(signed.minima[chosen, band * _WIDTH : (band + 1) * _WIDTH], seed).view(np.int64)
        if not new.all():
            mine = np.unique(number[new[chosen]])
            at = np.minimum(np.searchsorted(mine, number), mine.size - 1)
            there = np.flatnonzero(mine[at] == number) if mine.size else everyone[:0]
            chosen, number = chosen[there], number[there]
        rows.append(chosen)
        touched.append(number)
    return np.concatenate(rows), np.concatenate(touched)


def _maybe(minima: np.ndarray, new: np.ndarray, band: int) -> np.ndarray:
    """The new rows, and those whose first minimum of the band ends in the same bits as a new one's: most are left out
    before anything is hashed."""
    ends = np.ascontiguousarray(minima[:, band * _WIDTH : band * _WIDTH + 4]).view("<u4").ravel() & np.uint32(_ENDS - 1)
    there = np.zeros(_ENDS, dtype=bool)
    there[ends[new]] = True
    return np.flatnonzero(there[ends])
