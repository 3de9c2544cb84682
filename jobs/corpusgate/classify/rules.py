"""What an example is, which part it belongs to, how well a model does, and whether it may follow its predecessor.

Plain functions on records and arrays. A model says one of `CLEAN` and the risks of Annex A of a text; a text with
several risks teaches each of them, with an equal part of its weight.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from corpusgate.gates.statistics import clopper_pearson

CLEAN = "clean"
Part = Literal["train", "tune", "test"]
Origin = Literal["annotation", "review", "register"]

MARGIN = 0.01
"""A model whose macro-F1 on the same held-out texts is lower than its predecessor's by more than this is not promoted;
no more may its false alarms rise by."""
RECALL_MARGIN = 0.05
"""Nor one that finds so much less of the harmful texts at its threshold."""
FALSE_ALARMS = 0.005
"""Share of clean texts that may be called harmful, unless the person asks for another: well under the 2 % that the
technical sample allows."""
FEWEST_TESTED = 30
"""Held-out texts, harmful and clean each, under which a model is not judged and so not promoted."""
FEWEST_TUNED = 50
"""Clean texts of one source for tuning, from which the source has a say of its own in the threshold."""
_PARTS: tuple[Part, ...] = (*["train"] * 14, *["tune"] * 3, *["test"] * 3)
_BINS = 10


@dataclass(frozen=True, slots=True)
class Example:
    """A text with what is known of it: its risks (none: clean), the source it is of, and who says so.

    `origin`: annotation (accepted label), review (a person passed it in a sample), register (drawn at random from a
    source that passed its admission, assumed clean: at most the source's bad share of them is not).
    """

    text: str
    text_sha256: str
    risks: tuple[str, ...]
    source_id: str
    origin: Origin


def part_of(text_sha256: str) -> Part:
    """The part a text belongs to, for good: 70 % train, 15 % tune (threshold), 15 % test, by a hash of its hash.

    The same for every model that is ever trained, so that a predecessor has not seen what its successor is tested on.
    """
    digest = hashlib.sha256(f"classifier split|{text_sha256}".encode()).digest()
    return _PARTS[int.from_bytes(digest[:8], "big") % len(_PARTS)]


def distinct(examples: Iterable[Example]) -> list[Example]:
    """One example a text, ordered by hash. What annotators said beats a review, a review an assumption; people who
    contradict one another about the same text teach nothing."""
    rank = {"annotation": 0, "review": 1, "register": 2}
    by_text: dict[str, list[Example]] = {}
    for example in examples:
        by_text.setdefault(example.text_sha256, []).append(example)
    chosen = []
    for _, group in sorted(by_text.items()):
        best = min(rank[e.origin] for e in group)
        said = [e for e in group if rank[e.origin] == best]
        if len({e.risks for e in said}) == 1:
            chosen.append(min(said, key=lambda e: e.source_id))
    return chosen


def training_digest(examples: Sequence[Example], settings: Mapping[str, Any]) -> str:
    """SHA-256 over what a model is made of: text hashes with their risks and parts, and the settings."""
    hashed = hashlib.sha256("|".join(f"{k}={settings[k]}" for k in sorted(settings)).encode())
    for e in sorted(examples, key=lambda e: e.text_sha256):
        hashed.update(f"\n{e.text_sha256} {','.join(e.risks)} {e.origin} {e.source_id}".encode())
    return hashed.hexdigest()


def threshold_for(harm_of_clean: np.ndarray, rate: float) -> float:
    """The smallest harm score at which at most `rate` of these clean texts are called harmful.

    Where the texts are too few to allow a single alarm, it is just above the highest score.

    Raises:
        ValueError: no text, or a rate outside [0, 1).
    """
    if not (harm_of_clean.size and 0 <= rate < 1):
        raise ValueError("a threshold needs clean texts and a rate in [0, 1)")
    descending = np.sort(harm_of_clean)[::-1]
    allowed = int(rate * descending.size + 1e-9)
    return min(float(np.nextafter(descending[allowed], np.inf)), 1.0)


def threshold_by_source(harm_of_clean: np.ndarray, sources: Sequence[str], rate: float) -> float:
    """The smallest harm score at which at most `rate` of the clean texts are called harmful: of all together, and of
    each source with `FEWEST_TUNED` of them or more, since registers differ.

    Raises:
        ValueError: no text, or a rate outside [0, 1).
    """
    of = np.asarray(sources)
    large = [s for s in sorted(set(sources)) if (of == s).sum() >= FEWEST_TUNED]
    return max(threshold_for(harm_of_clean, rate), *(threshold_for(harm_of_clean[of == s], rate) for s in large), 0.0)


def share_with_interval(k: int, n: int) -> dict[str, Any]:
    """k of n with its exact 95 % interval (Clopper and Pearson 1934); without a share where n is 0."""
    if not n:
        return {"k": 0, "n": 0, "share": None, "low": None, "high": None}
    interval = clopper_pearson(k, n)
    return {"k": k, "n": n, "share": k / n, "low": interval.low, "high": interval.high}


def by_class(truth: Sequence[str], said: Sequence[str], classes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Of each class: precision and recall with their intervals, F1, texts. A class without any text, true or said, has
    no F1 (null)."""
    true, guess = np.asarray(truth), np.asarray(said)
    found = {}
    for name in classes:
        hit = int(((true == name) & (guess == name)).sum())
        of_truth, of_guess = int((true == name).sum()), int((guess == name).sum())
        found[name] = {
            "precision": share_with_interval(hit, of_guess), "recall": share_with_interval(hit, of_truth),
            "f1": 2 * hit / (of_truth + of_guess) if of_truth + of_guess else None, "texts": of_truth,
        }  # fmt: skip
    return found


def macro_f1(figures: Mapping[str, Mapping[str, Any]]) -> float | None:
    """Mean F1 over the classes that have one."""
    known = [f["f1"] for f in figures.values() if f["f1"] is not None]
    return float(np.mean(known)) if known else None


def calibration(harm: np.ndarray, harmful: np.ndarray) -> dict[str, Any]:
    """Brier score and expected calibration error (ten bins of equal width) of the harm score; null without texts.

    0.03 means: of texts with a score of 0.80 some 77 to 83 in a hundred are harmful.
    """
    if not harm.size:
        return {"brier": None, "expected_calibration_error": None, "texts": 0}
    bins = np.minimum((harm * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    scores, truths = (np.bincount(bins, weights=w, minlength=_BINS) for w in (harm, harmful.astype(float)))
    error = float(np.abs(scores - truths).sum() / counts.sum())
    brier = float(np.mean((harm - harmful) ** 2))
    return {"brier": brier, "expected_calibration_error": error, "texts": int(harm.size)}


def may_follow(
    new: Mapping[str, Any], old: Mapping[str, Any] | None, *, asked_rate: float, margin: float = MARGIN
) -> list[str]:
    """Why a model is not promoted, in words; empty: it may be.

    `new` and `old` (the predecessor on the same held-out texts) have `macro_f1`, `harmful`, `clean` (texts tested) and
    `false_alarms`, `recall_at_threshold` (shares with their intervals).
    """
    against = []
    for what in ("harmful", "clean"):
        if new[what] < FEWEST_TESTED:
            against.append(f"only {new[what]} {what} held-out texts; at least {FEWEST_TESTED} are needed to judge it")
    alarms = new["false_alarms"]
    if alarms["share"] is not None and alarms["low"] > asked_rate:
        against.append(
            f"{alarms['k']} of {alarms['n']} clean held-out texts are called harmful; {asked_rate:.2%} were asked for"
        )
    if old is not None and new["macro_f1"] is not None and old["macro_f1"] is not None:
        if new["macro_f1"] < old["macro_f1"] - margin:
            against.append(
                f"macro-F1 {new['macro_f1']:.3f} on the same held-out texts, its predecessor {old['macro_f1']:.3f}; "
                f"more than {margin} less"
            )
        found, found_before = (f["recall_at_threshold"]["share"] for f in (new, old))
        if found is not None and found_before is not None and found < found_before - RECALL_MARGIN:
            against.append(f"it finds {found:.1%} of the harmful texts at its threshold, before {found_before:.1%}")
        before = old["false_alarms"]["share"]
        if before is not None and alarms["share"] is not None and alarms["share"] > before + margin:
            against.append(f"false alarms rose from {before:.2%} to {alarms['share']:.2%}")
    return against
