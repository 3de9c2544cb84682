"""Accepted labels that are probably wrong, by models that have not seen them: five folds by hash, confident learning.

People who agree on a wrong label are not found by their agreement; a model of everybody else's labels may.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from corpusgate.annotation.mislabels import likely_mislabelled
from corpusgate.classify import train
from corpusgate.classify.examples import examples_of
from corpusgate.classify.form import whole_texts
from corpusgate.classify.rules import CLEAN, Example
from corpusgate.errors import UserError
from corpusgate.settings.load import load_corpus
from corpusgate.settings.place import Place

FOLDS = 5


def suspects(place: Place, corpus: str) -> list[dict[str, Any]]:
    """The suspected labels of people, the surest first: text_sha256, source_id, label, likelier, margin.

    Raises:
        UserError: too few labels for folds that each know two classes.
    """
    return doubted(examples_of(place, load_corpus(place, corpus)).examples)


def doubted(examples: Sequence[Example]) -> list[dict[str, Any]]:
    """The suspects among these examples; those with one risk or none, as an item has one class here."""
    single = [e for e in examples if len(e.risks) < 2]
    classes = sorted({_class(e) for e in single}, key=lambda c: (c != CLEAN, c))
    number = {c: n for n, c in enumerate(classes)}
    given = np.array([number[_class(e)] for e in single], np.int64)
    probability = _out_of_fold(single, number)
    found = [s for s in likely_mislabelled(probability, given) if single[s.index].origin != "register"]
    return [
        {
            "text_sha256": single[s.index].text_sha256, "source_id": single[s.index].source_id,
            "label": classes[s.given], "likelier": classes[s.likelier], "margin": round(s.margin, 4),
        }
        for s in found
    ]  # fmt: skip


def _out_of_fold(examples: Sequence[Example], number: dict[str, int]) -> np.ndarray:
    """Examples by classes: the chances by the model that was taught with the other folds."""
    folds = np.array([_fold(e.text_sha256) for e in examples], np.int64)
    probability = np.zeros((len(examples), len(number)))
    for fold in range(FOLDS):
        held = np.flatnonzero(folds == fold)
        if not held.size:
            continue
        others = [e for e, f in zip(examples, folds, strict=True) if f != fold]
        if len({_class(e) for e in others}) < 2:
            raise UserError("Too few labels: without a fifth of them, clean or harmful texts are missing altogether.")
        pipeline = train.fit(others)
        columns = [number[str(c)] for c in pipeline.named_steps["regression"].classes_]
        texts = whole_texts([examples[n].text for n in held])
        probability[held[:, None], columns] = pipeline.predict_proba(texts)
    return probability


def _fold(text_sha256: str) -> int:
    return int(hashlib.sha256(f"suspects|{text_sha256}".encode()).hexdigest(), 16) % FOLDS


def _class(example: Example) -> str:
    return example.risks[0] if example.risks else CLEAN
