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
import pyarrow as pa

from corpusgate.decide.near.compare import Compared, Member, compare_group
from corpusgate.decide.near.rules import JACCARD_FLOOR, OVERFULL, OVERLAP_FLOOR, Pair
from corpusgate.decide.near.xxh64 import xxh64
from corpusgate.intake.detectors.signature import BANDS, BYTES, ROWS, ShingleSequence
from corpusgate.lake import store
from corpusgate.lake.alone import fixed
from corpusgate.lake.dialect import literal, one_of
from corpusgate.settings.place import Place

_WIDTH = ROWS * 4
_FOLDED = 18  # bits: few others are taken for a new one by chance, and the table stays in a core's cache
_BAND = np.uint32(1) << np.arange(BANDS, dtype=np.uint32)
_SEEDS = xxh64(np.arange(BANDS, dtype="<u4").view(np.uint8).reshape(BANDS, 4))
_SPREAD = np.uint64(0x9E3779B185EBCA87)  # its products differ in their upper bits (Knuth, TAOCP 3, 6.4)
_HASH = 64  # characters of `text_sha256`


@dataclass(slots=True)
class Gathered:
    """New signatures in all their buckets, others in those that a new one is in.

    A row each: its text and batch, the `new` ones first. `rows` and `buckets`: who is where, piece by piece.
    """

    texts: list[str] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)
    new: int = 0
    rows: list[np.ndarray] = field(default_factory=list)
    buckets: list[np.ndarray] = field(default_factory=list)

    def add(self, signatures: pa.RecordBatch, chosen: np.ndarray, buckets: np.ndarray) -> None:
        """Puts these into `buckets`, one for each of the `chosen` bands (row * BANDS + band, in order)."""
        first = _first(chosen // BANDS)
        kept = pa.array(chosen[first] // BANDS)
        self.rows.append(np.cumsum(first) + (len(self.texts) - 1))
        self.buckets.append(buckets)
        self.texts += signatures.column("text_sha256").take(kept).to_pylist()
        self.batches += _few(signatures.column("batch_id").take(kept))


@dataclass(slots=True)
class Fresh:
    """What is to be compared: the new batches (with number and checksum of their texts), and who meets whom.

    `meetings`: bucket -> rows of its members; `shared`: row -> all its buckets.
    """

    batches: dict[str, tuple[int, int]]
    gathered: Gathered = field(default_factory=Gathered)
    meetings: dict[int, list[int]] = field(default_factory=dict)
    shared: dict[int, list[int]] = field(default_factory=dict)

    @property
    def texts(self) -> set[str]:
        """The texts that must be read."""
        return {self.gathered.texts[row] for row in self.shared}

    def compared(self, runs: Mapping[str, ShingleSequence]) -> list[Compared]:
        """The edges among them; a text that has no `runs` is gone and takes no part."""
        out: list[Compared] = []
        texts, batches, new = self.gathered.texts, self.gathered.batches, self.gathered.new
        for bucket, rows in sorted(self.meetings.items()):
            members = [
                Member(texts[r], batches[r], frozenset(self.shared[r]), r < new, runs[texts[r]])
                for r in rows
                if texts[r] in runs
            ]
            out += compare_group(bucket, members)
        return out


def fresh(place: Place, algorithm: str, limit: int = OVERFULL) -> Fresh | None:
    """What must be compared before a candidate is judged; None where a bucket is or was overfull."""
    of = f"algorithm = {literal(algorithm)}"
    if store.query(place, f"SELECT count(*) AS n FROM near_bucket WHERE {of}", ["near_bucket"]).to_pylist()[0]["n"]:
        return None
    there = _batches(place, of)
    known = store.read(place, "near_batch", where=of).to_pylist()
    compared = {r["batch_id"]: (r["texts"], r["checksum"]) for r in known}
    new = {b: what for b, what in there.items() if compared.get(b) != what}
    if not new:
        return Fresh({})
    found = Fresh(new, gathered(place, of, new, all_new=len(new) == len(there)))
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
        where = f"{one_of('batch_id', new.batches)} AND {of}"
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


def gathered(place: Place, where: str, new: Collection[str], *, all_new: bool) -> Gathered:
    """The signatures that `where` selects, gathered about those of the `new` batches; `all_new`: there are no others.

    Most others are left out before anything is hashed: those of whose bands none is folded as one of the new.
    """
    found, marked = Gathered(), np.zeros(1 << _FOLDED, dtype=np.uint32)
    named = one_of("batch_id", new)
    for signatures, minima in _signatures(place, f"{where} AND {named}"):
        every = np.arange(len(minima) * BANDS)
        found.add(signatures, every, bucket_numbers(minima, every))
        if not all_new:
            np.bitwise_or.at(marked, _folded(minima), np.broadcast_to(_BAND, (len(minima), BANDS)))
    found.new = len(found.texts)
    if all_new or not found.new:
        return found
    mine = np.sort(np.concatenate(found.buckets))
    for signatures, minima in _signatures(place, f"{where} AND NOT {named}"):
        maybe = np.flatnonzero((marked[_folded(minima)] & _BAND) != 0)
        numbers = bucket_numbers(minima, maybe)
        there = mine[np.minimum(np.searchsorted(mine, numbers), mine.size - 1)] == numbers
        found.add(signatures, maybe[there], numbers[there])
    return found


def bucket_numbers(minima: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The buckets (int64, as Spark numbers them) that the `chosen` bands (row * BANDS + band) stand for."""
    return xxh64(minima.reshape(-1, _WIDTH)[chosen], _SEEDS[chosen % BANDS]).view(np.int64)


def _folded(minima: np.ndarray) -> np.ndarray:
    """A number of `_FOLDED` bits for each band of each row, made of its four minima: one alone is shared by many."""
    halves = minima.view("<u8")
    return ((halves[:, ::2] + halves[:, 1::2]) * _SPREAD >> np.uint64(64 - _FOLDED)).view(np.int64)


def _signatures(place: Place, where: str) -> Iterator[tuple[pa.RecordBatch, np.ndarray]]:
    """The rows of `signature` batch by batch, and their minima as rows of bytes."""
    sql = f"SELECT text_sha256, batch_id, signature FROM signature WHERE {where}"
    for batch in map(store.plain, store.stream(place, sql, ["signature"])):
        yield batch, fixed(batch.column("signature"), BYTES)


def _batches(place: Place, where: str) -> dict[str, tuple[int, int]]:
    """Batch to number and checksum of its signed texts, as `job._batches` gives them."""
    found: dict[str, tuple[int, int]] = {}
    sql = f"SELECT text_sha256, batch_id FROM signature WHERE {where}"
    for rows in map(store.plain, store.stream(place, sql, ["signature"])):
        who = xxh64(fixed(rows.column("text_sha256"), _HASH)).view(np.int64)
        coded = rows.column("batch_id").dictionary_encode()
        codes = coded.indices.to_numpy()
        for code, batch in enumerate(coded.dictionary.to_pylist()):
            mine = who[codes == code]
            texts, checksum = found.get(batch, (0, 0))
            found[batch] = (texts + mine.size, checksum ^ int(np.bitwise_xor.reduce(mine)))
    return found


def _few(column: Any) -> list[str]:
    """The values of a column that has few different ones, each held once."""
    coded = column.dictionary_encode()
    names = coded.dictionary.to_pylist()
    return [names[at] for at in coded.indices.to_pylist()]


def _meet(found: Fresh, limit: int) -> bool:
    """Fills in who meets whom; False where a bucket is overfull."""
    inside = found.gathered
    if not inside.new:
        return True
    rows, buckets = np.concatenate(inside.rows), np.concatenate(inside.buckets)
    order = np.argsort(buckets, kind="stable")
    rows, buckets = rows[order], buckets[order]
    starts = np.flatnonzero(_first(buckets))
    sizes = np.diff(np.append(starts, buckets.size))
    shared = (sizes > 1) & np.logical_or.reduceat(rows < inside.new, starts)
    if (sizes[shared] > limit).any():
        return False
    texts = np.frombuffer("".join(inside.texts).encode("ascii"), dtype=np.uint8).reshape(-1, _HASH)
    who = np.bitwise_xor.reduceat(xxh64(texts)[rows], starts)
    # Near copies meet in a dozen buckets with nobody else in them: the smallest of those is enough.
    met = np.flatnonzero(shared)[::-1]
    smallest = dict(zip(zip(sizes[met].tolist(), who[met].tolist(), strict=True), met.tolist(), strict=True))
    for at in sorted(smallest.values()):
        bucket, members = int(buckets[starts[at]]), rows[starts[at] : starts[at] + sizes[at]].tolist()
        found.meetings[bucket] = members
        for row in members:
            found.shared.setdefault(row, []).append(bucket)
    return True


def _first(ordered: np.ndarray) -> np.ndarray:
    """Which values differ from the one before them."""
    return np.concatenate((np.ones(min(ordered.size, 1), dtype=bool), ordered[1:] != ordered[:-1]))
