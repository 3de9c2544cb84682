"""A trained model on disk and in use: `models/<version>/` holds `model.skops` and `card.json`; texts are scored by
their worst window.

Scoring does what the saved pipeline does (a test holds both together), over arrays of code points instead of Python
strings: some ten times as fast.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from corpusgate.classify.form import Formed, Windows, formed, windows
from corpusgate.classify.rules import CLEAN
from corpusgate.errors import DetectorMissing
from corpusgate.intake.detectors.batch import groups
from corpusgate.intake.detectors.fold import Folded, fold_batch
from corpusgate.intake.detectors.fold_table import CODE_POINTS

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MODEL_FILE, CARD_FILE = "model.skops", "card.json"
CANARIES = (
    "今天的天气很好，我们去公园里散步吧。",
    "Please send the form to the office by Friday.",
    "你这个没用的东西，滚出去！",
)
_SAME = 1e-5


@dataclass(frozen=True, slots=True)
class Worst:
    """What is said of a text: the harm score (0 to 1) of its worst window, the likeliest risk there, and the window's
    code points in the stored text, end-exclusive. `said` is the class of that window: `CLEAN` or a risk."""

    harm: float
    risk: str
    said: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Model:
    """Weights as arrays. `classes` has `CLEAN` first; `weights` is features by classes."""

    version: str
    classes: tuple[str, ...]
    threshold: float
    single: np.ndarray
    rank: np.ndarray
    pairs: np.ndarray
    pair_feature: np.ndarray
    idf: np.ndarray
    weights: np.ndarray
    intercept: np.ndarray

    def worst(self, texts: Sequence[str]) -> list[Worst]:
        """What the model says of each text, in the order given."""
        return [w for group in groups(texts) for w in self.worst_of(fold_batch(group))]

    def worst_of(self, folded: Folded) -> list[Worst]:
        """What the model says of each text of a folded batch."""
        form = formed(folded)
        cut = windows(form)
        chance = self.probabilities(form, cut)
        harm = 1.0 - chance[:, 0]
        # the first of the worst windows of each text: sorted by text, then by falling harm, then by place
        order = np.lexsort((np.arange(harm.size), -harm, cut.text))
        first = order[np.concatenate(([True], cut.text[order][1:] != cut.text[order][:-1]))] if harm.size else order
        out = []
        for no, at in enumerate(first.tolist()):
            risk = self.classes[1 + int(chance[at, 1:].argmax())]
            said = self.classes[int(chance[at].argmax())]
            out.append(Worst(float(harm[at]), risk, said, *_span(folded, form, cut, no, at)))
        return out

    def probabilities(self, form: Formed, cut: Windows) -> np.ndarray:
        """Windows by classes: the chance of each class, rows adding up to 1."""
        scores = self._scores(form, cut) + self.intercept
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        return scores / scores.sum(axis=1, keepdims=True)

    def _scores(self, form: Formed, cut: Windows) -> np.ndarray:
        total, features = int(cut.length.sum()), self.idf.size
        window = np.repeat(np.arange(cut.length.size), cut.length)
        inner = np.arange(total) - np.repeat(np.cumsum(cut.length) - cut.length, cut.length)
        at = np.repeat(cut.start, cut.length) + inner
        single, pair = self._features(form.codes)
        last = inner == cut.length[window] - 1
        key = np.concatenate([
            _keys(window, single[at], features), _keys(window[~last], pair[at[~last]], features),
        ])  # fmt: skip
        key.sort()
        new = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if key.size else key
        counts = np.diff(np.append(new, key.size))
        row, feature = np.divmod(key[new], features)
        value = (1.0 + np.log(counts)) * self.idf[feature]
        squares = np.bincount(row, weights=value * value, minlength=cut.length.size)
        value /= np.sqrt(np.where(squares > 0, squares, 1.0))[row]
        return np.stack([
            np.bincount(row, weights=value * self.weights[feature, c], minlength=cut.length.size)
            for c in range(len(self.classes))
        ], axis=1)  # fmt: skip

    def _features(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The feature of each code point, and of it with the next one; -1: none that the model knows."""
        rank = self.rank[codes].astype(np.int64)
        wanted = rank[:-1] * self.rank_count + rank[1:]
        wanted[(rank[:-1] == 0) | (rank[1:] == 0)] = -1
        if not self.pairs.size:
            return self.single[codes], np.full(codes.size, -1, np.int64)
        found = np.minimum(np.searchsorted(self.pairs, wanted), self.pairs.size - 1)
        pair = np.where(self.pairs[found] == wanted, self.pair_feature[found], -1)
        return self.single[codes], np.append(pair, -1)

    @property
    def rank_count(self) -> int:
        """Characters that the model knows, and one."""
        return int(self.rank.max()) + 1


def _keys(window: np.ndarray, feature: np.ndarray, features: int) -> np.ndarray:
    known = feature >= 0
    return window[known].astype(np.int64) * features + feature[known]


def _span(folded: Folded, form: Formed, cut: Windows, text_no: int, at: int) -> tuple[int, int]:
    start, length = int(cut.start[at]), int(cut.length[at])
    if not length:
        return 0, 0
    first, last = start, start + length - 1
    if form.kept is not None:
        first, last = int(form.kept[first]), int(form.kept[last])
    return folded.span(text_no, first, last + 1)


def of_pipeline(pipeline: Pipeline, version: str, threshold: float) -> Model:
    """The model of a fitted pipeline."""
    vectoriser, regression = pipeline.named_steps["tfidf"], pipeline.named_steps["regression"]
    vocabulary: dict[str, int] = vectoriser.vocabulary_
    coefficients, intercept = np.asarray(regression.coef_, float), np.asarray(regression.intercept_, float)
    names = [str(c) for c in regression.classes_]
    if len(names) == 2:  # one row, for the second class
        coefficients = np.vstack([np.zeros_like(coefficients), coefficients])
        intercept = np.concatenate([[0.0], intercept])
    order = sorted(range(len(names)), key=lambda n: (names[n] != CLEAN, names[n]))
    single = np.full(CODE_POINTS, -1, np.int64)
    rank = np.zeros(CODE_POINTS, np.int32)
    characters = sorted({c for gram in vocabulary for c in gram})
    rank[[ord(c) for c in characters]] = np.arange(1, len(characters) + 1)
    several = [(g, n) for g, n in vocabulary.items() if len(g) == 2]
    for gram, number in vocabulary.items():
        if len(gram) == 1:
            single[ord(gram)] = number
    base = len(characters) + 1
    keys = np.array([int(rank[ord(g[0])]) * base + int(rank[ord(g[1])]) for g, _ in several], np.int64)
    by_key = np.argsort(keys)
    return Model(
        version, tuple(names[n] for n in order), threshold, single, rank, keys[by_key],
        np.array([n for _, n in several], np.int64)[by_key], np.asarray(vectoriser.idf_, float),
        np.ascontiguousarray(coefficients[order].T), intercept[order],
    )  # fmt: skip


def canary(model: Model) -> list[float]:
    """What the model says of three sentences of ours, to six places: a worker that scores them otherwise has another
    folding table or another arithmetic under equal weights."""
    return [round(w.harm, 6) for w in model.worst(CANARIES)]


def weights_digest(model: Model) -> str:
    """SHA-256 over everything that decides what a model says: equal weights, equal digest, whatever file holds them."""
    hashed = hashlib.sha256(json.dumps([model.classes, repr(model.threshold)]).encode())
    known = np.flatnonzero(model.single >= 0)
    for array in (known, model.single[known], model.pairs, model.pair_feature, np.flatnonzero(model.rank)):
        hashed.update(np.ascontiguousarray(array, "<i8").tobytes())
    for array in (model.idf, model.weights, model.intercept):
        hashed.update(np.ascontiguousarray(array, "<f8").tobytes())
    return hashed.hexdigest()


def read_card(folder: Path) -> dict[str, Any]:
    """The card of a saved model.

    Raises:
        DetectorMissing: there is none, or it cannot be read.
    """
    try:
        return json.loads((folder / CARD_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DetectorMissing(f"The model in {folder} has no card that can be read: {error}.") from None


def load(folder: Path) -> Model:
    """The model of a folder, its file checked against the card before anything of it is read.

    Raises:
        DetectorMissing: file or card is missing, hashes differ, or the file holds more than numbers and scikit-learn's
            own types.
    """
    import skops.io

    card = read_card(folder)
    try:
        raw = (folder / MODEL_FILE).read_bytes()
    except OSError as error:
        raise DetectorMissing(f"The model {card.get('version')} cannot be read: {error}.") from None
    if hashlib.sha256(raw).hexdigest() != card["file_sha256"]:
        raise DetectorMissing(f"The file of model {card['version']} is not the one that its card names.")
    if strange := skops.io.get_untrusted_types(data=raw):
        raise DetectorMissing(f"The file of model {card['version']} holds types that no model has: {strange[:3]}.")
    model = of_pipeline(skops.io.loads(raw), card["version"], float(card["threshold"]["harm"]))
    if weights_digest(model) != card["weights_sha256"]:
        raise DetectorMissing(f"The weights of model {card['version']} are not those that its card names.")
    if any(abs(a - b) > _SAME for a, b in zip(canary(model), card.get("canary") or [9.0], strict=False)):
        raise DetectorMissing(
            f"The model {card['version']} scores its canary sentences otherwise here than where it was trained, or has "
            "none in its card: this worker has another version of corpusgate, or the model must be trained anew."
        )
    return model
