"""Overlap with named test sets: a text that holds a long enough run of a test item was seen by who trains on it.

The run is 13 words, as for GPT-3 (Brown et al. 2020, appendix C); in items mostly of scripts without blanks 20
characters, which is what 13 Chinese words come to (ADR 0044). Runs that several items of a set share are its
instructions, not its questions, and do not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from corpusgate.errors import DetectorMissing
from corpusgate.intake.detectors.batch import Batch, batches, make_batch
from corpusgate.intake.detectors.fold_table import fold_table
from corpusgate.intake.detectors.model import SPANS_A_RULE, Finding, Kit, SetFile
from corpusgate.intake.detectors.tokens import Tokens, tokens

NAME = "contamination"
FAMILY = "language_quality"
CODE_VERSION = "1"
RISK = "q_contamination"
WORDS, CHARACTERS = 13, 20
SHARED = 4
"""A run that so many items of a set have is left out: what they are asked, not what is asked."""
_SIEVE = 1 << 22


@dataclass(frozen=True, slots=True)
class Index:
    """The runs of one length of all sets: sorted distinct hashes, which set each is of, and a sieve by their low
    bits."""

    length: int
    hashes: np.ndarray
    sets: np.ndarray
    sieve: np.ndarray


@dataclass(frozen=True, slots=True)
class Contamination:
    """The detector with the test sets named `names`."""

    version: str
    names: tuple[str, ...]
    indexes: tuple[Index, ...]

    def find(self, batch: Batch) -> list[list[Finding]]:
        """Findings of each text: a rule a set, spans of what is the same; the score is its share of the text."""
        out: list[list[Finding]] = [[] for _ in batch.texts]
        of = tokens(batch.folded)
        hits = [_hits(index, of) for index in self.indexes]
        for name_no, name in enumerate(self.names):
            firsts = [(first[sets == name_no], n) for first, sets, n in hits]
            if any(first.size for first, _ in firsts):
                self._note(out, f"test_set:{name}", of, firsts, batch)
        return out

    def _note(
        self, out: list[list[Finding]], rule: str, of: Tokens, firsts: Sequence[tuple[np.ndarray, int]], batch: Batch
    ) -> None:
        covered = np.zeros(of.hashes.size, dtype=bool)
        runs = np.zeros(of.hashes.size, dtype=bool)
        for first, n in firsts:
            runs[first] = True
            for step in range(n):
                covered[first + step] = True
        for no in np.unique(of.texts[covered]).tolist():
            low, high = np.searchsorted(of.texts, [no, no + 1])
            same = covered[low:high]
            score, count = round(float(same.mean()), 4), int(runs[low:high].sum())
            edges = np.flatnonzero(np.diff(np.concatenate(([0], same.view(np.int8), [0]))))
            for a, b in list(zip(edges[::2] + low, edges[1::2] + low - 1, strict=True))[:SPANS_A_RULE]:
                start, end = batch.folded.span(no, int(of.starts[a]), int(of.ends[b]))
                out[no].append(Finding(NAME, self.version, rule, RISK, start, end, score, 0.0, None, None, None, count))


def _hits(index: Index, of: Tokens) -> tuple[np.ndarray, np.ndarray, int]:
    """First tokens of the runs that the index has, the set of each, and the runs' length."""
    hashes, first = of.runs(index.length)
    likely = np.flatnonzero(index.sieve[hashes & np.uint64(_SIEVE - 1)])
    hashes, first = hashes[likely], first[likely]
    low = np.searchsorted(index.hashes, hashes, side="left")
    high = np.searchsorted(index.hashes, hashes, side="right")
    times = high - low
    places = np.repeat(low, times) + np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
    return np.repeat(first, times), index.sets[places], index.length


def version(kit: Kit) -> str:
    """Code version, fold digest and every set: another set or file of a set may give other findings."""
    return "+".join(
        (CODE_VERSION, f"fold.{fold_table().digest[:8]}", *(mark_of(t.id, t.sha256, t.fields) for t in kit.test_sets))
    )


def mark_of(name: str, sha256: str, fields: Sequence[str]) -> str:
    """How the version names a set: its id, and a digest of its file and of the fields that make an item."""
    return f"{name}.{hashlib.sha256(' '.join((sha256, *fields)).encode()).hexdigest()[:12]}"


def prepare(kit: Kit) -> Contamination:
    """The detector of the kit's test sets, proven on an item of each.

    Raises:
        DetectorMissing: a file is not there, is another one, has no item that is long enough, or is not found.
    """
    found: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {WORDS: [], CHARACTERS: []}
    proofs = []
    for number, one in enumerate(kit.test_sets):
        items = list(items_of(one))
        for n, hashes in runs_of(items).items():
            found[n].append((hashes, np.full(hashes.size, number, dtype=np.int32)))
        proofs.append(items)
    detector = Contamination(
        version(kit), tuple(t.id for t in kit.test_sets), tuple(_index(n, parts) for n, parts in found.items() if parts)
    )
    for one, items in zip(kit.test_sets, proofs, strict=True):
        rule = f"test_set:{one.id}"
        if not any(f.rule == rule for batch in batches(items) for found in detector.find(batch) for f in found):
            raise DetectorMissing(
                f"The test set {one.id} ({one.path}) has no item of {WORDS} words or {CHARACTERS} characters that "
                "could be recognised: look at its format and fields."
            )
    return detector


def items_of(one: SetFile) -> Iterator[str]:
    """The items of a test set's file, once it has been seen to be the one that is named."""
    try:
        content = Path(one.path).read_bytes()
    except OSError as error:
        raise DetectorMissing(f"The test set {one.id} cannot be read on this worker: {error}.") from None
    found = hashlib.sha256(content).hexdigest()
    if found != one.sha256:
        raise DetectorMissing(f"The test set {one.id} in {one.path} hashes to {found}, and the run names {one.sha256}.")
    for number, line in enumerate(content.decode("utf-8-sig", "replace").split("\n"), 1):
        if not line.strip():
            continue
        if not one.fields:
            yield line
            continue
        try:
            row = json.loads(line)
            yield "\n".join(_said(row[name]) for name in one.fields)
        except (ValueError, TypeError, KeyError) as error:
            raise DetectorMissing(
                f"{one.path}:{number}: expected an object with {', '.join(one.fields)} as one line of JSON ({error})."
            ) from None


def _said(value: object) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def runs_of(items: Sequence[str]) -> dict[int, np.ndarray]:
    """Length of run to the distinct hashes of a set's items, those left out that several items share."""
    parts: dict[int, list[np.ndarray]] = {WORDS: [], CHARACTERS: []}
    for batch in batches(items):
        of = tokens(batch.folded)
        each = np.bincount(of.texts, minlength=len(batch.texts))
        alone = np.bincount(of.texts, weights=of.alone, minlength=len(batch.texts))
        for n, mine in ((WORDS, alone * 2 < each), (CHARACTERS, alone * 2 >= each)):
            hashes, first = of.runs(n)
            texts = of.texts[first]
            chosen = mine[texts]
            pairs = np.unique(np.stack((hashes[chosen], texts[chosen].astype(np.uint64)), axis=1), axis=0)
            parts[n].append(pairs[:, 0])
    out = {}
    for n, found in parts.items():
        hashes, times = np.unique(np.concatenate(found) if found else np.zeros(0, np.uint64), return_counts=True)
        if (kept := hashes[times < SHARED]).size:
            out[n] = kept
    return out


def _index(n: int, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> Index:
    hashes, sets = np.concatenate([h for h, _ in parts]), np.concatenate([s for _, s in parts])
    order = np.lexsort((sets, hashes))
    sieve = np.zeros(_SIEVE, dtype=bool)
    sieve[hashes & np.uint64(_SIEVE - 1)] = True
    return Index(n, hashes[order], sets[order], sieve)


def overlap(detector: Contamination, text: str) -> list[Finding]:
    """What one text shares with the sets."""
    return detector.find(make_batch([text]))[0]
