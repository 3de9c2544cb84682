"""Fits the model: TF-IDF of characters and pairs of characters, and a logistic regression over them (scikit-learn).

Of a dozen models that were compared none was better beyond the noise, and this one can be explained by its
heaviest characters. scikit-learn is imported when something is fitted. Deterministic: no seed is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from corpusgate.classify.form import whole_texts, window_texts
from corpusgate.classify.rules import CLEAN, Example
from corpusgate.errors import UserError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

#: What a model is made with beside its texts; part of its version.
SETTINGS: Mapping[str, Any] = {
    "features": "char 1-2 tf-idf, sublinear", "min_texts": 2, "inverse_regularisation": 10.0, "iterations": 300,
    "windows_of_clean": 8, "class_weight": "balanced", "form": 1,
}  # fmt: skip


def fit(examples: Sequence[Example]) -> Pipeline:
    """A fitted pipeline (`tfidf`, `regression`) over the classifier's form of texts; classes are `CLEAN` and risks.

    A clean text teaches by its windows (all of them are clean, so long texts meet the model as they will be scored); of
    a harmful one nobody said where the harm stands, so it teaches as a whole. Classes weigh the same however many texts
    they have, or the clean ones would drown rare risks; the threshold on clean texts makes up for it.

    Raises:
        UserError: there is nothing to tell apart.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    texts, classes, weights = _rows(examples)
    if len(set(classes)) < 2:
        there = ", ".join(sorted(set(classes))) or "none"
        raise UserError(
            f"A classifier needs clean and harmful texts to tell apart; the accepted labels give only: {there}."
        )
    enough = int(SETTINGS["min_texts"]) if len(texts) >= 1000 else 1
    pipeline = Pipeline([
        ("tfidf", TfidfVectorizer(
            analyzer="char", ngram_range=(1, 2), lowercase=False, sublinear_tf=True, min_df=enough)),
        ("regression", LogisticRegression(
            C=float(SETTINGS["inverse_regularisation"]), max_iter=int(SETTINGS["iterations"]),
            class_weight="balanced")),
    ])  # fmt: skip
    pipeline.fit(texts, classes, regression__sample_weight=weights)
    return pipeline


def _rows(examples: Sequence[Example]) -> tuple[list[str], list[str], list[float]]:
    """Training rows in the order of the texts' hashes: a form, its class, its weight (1 a text, 1 a clean window)."""
    ordered = sorted(examples, key=lambda e: e.text_sha256)
    harmful, clean = [e for e in ordered if e.risks], [e for e in ordered if not e.risks]
    texts: list[str] = []
    classes: list[str] = []
    weights: list[float] = []
    for example, text in zip(harmful, whole_texts([e.text for e in harmful]), strict=True):
        for risk in example.risks:
            texts.append(text)
            classes.append(risk)
            weights.append(1 / len(example.risks))
    for cut in window_texts([e.text for e in clean], SETTINGS["windows_of_clean"]):
        texts += cut
        classes += [CLEAN] * len(cut)
        weights += [1.0] * len(cut)
    return texts, classes, weights
