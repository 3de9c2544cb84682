"""Models of a lake: trained, measured, promoted; and what the promoted one says of a candidate's technical sample.

`<lake>/models/<version>/` holds a model and its card, `<lake>/models/<corpus>.json` names the promoted one. The version
is a digest of what the model was taught with and how: the same labels give the same version, and nothing is done twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from datetime import datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from corpusgate.classify import rules, train
from corpusgate.classify.card import data_of, measured
from corpusgate.classify.examples import Taught, examples_of
from corpusgate.classify.model import CARD_FILE, MODEL_FILE, canary, load, of_pipeline, read_card, weights_digest
from corpusgate.classify.models import models, promoted
from corpusgate.errors import UserError
from corpusgate.lake.run import write_atomically
from corpusgate.settings.corpus import Corpus
from corpusgate.settings.load import load_corpus, load_sources
from corpusgate.settings.place import Place

LABELS = (
    "people's accepted labels, texts that people passed in samples, and texts drawn by hash from each source as its "
    "register (assumed clean: the source passed its admission); no keyword had a say"
)
#: Origins of examples in which no lexicon had a say.
WITHOUT_LEXICON = ("annotation", "review", "register")
_UNTUNED = 0.5


def train_classifier(
    place: Place, corpus_id: str, at: datetime, false_alarms: float = rules.FALSE_ALARMS
) -> dict[str, Any]:
    """Trains on the corpus's accepted labels and returns the card; a model that is there already is not trained again.

    Raises:
        UserError: there are no labels, or nothing to tell apart.
    """
    corpus = load_corpus(place, corpus_id)
    taught = examples_of(place, corpus)
    if not any(e.origin == "annotation" for e in taught.examples):
        raise UserError(
            f"The corpus {corpus_id} has no accepted label: batches must be verified by hand and not void. "
            "`corpusgate annotation check` says what each batch lacks."
        )
    settings = dict(train.SETTINGS) | {"false_alarms": false_alarms, "scikit-learn": installed("scikit-learn")}
    digest = rules.training_digest(taught.examples, settings)
    folder = models(place) / digest[:12]
    if (folder / CARD_FILE).is_file():
        return read_card(folder)
    return _trained(place, corpus, taught, folder, at, settings, digest)


def _trained(
    place: Place, corpus: Corpus, taught: Taught, folder: Path, at: datetime, settings: dict[str, Any], digest: str
) -> dict[str, Any]:
    import skops.io

    parts = {p: [e for e in taught.examples if rules.part_of(e.text_sha256) == p] for p in ("train", "tune", "test")}
    pipeline = train.fit(parts["train"])
    raw = skops.io.dumps(pipeline)
    untuned = of_pipeline(pipeline, folder.name, _UNTUNED)
    clean = [e for e in parts["tune"] if not e.risks]
    harm = _UNTUNED
    if clean:
        import numpy as np

        scores = np.array([w.harm for w in untuned.worst([e.text for e in clean])])
        harm = rules.threshold_by_source(scores, [e.source_id for e in clean], settings["false_alarms"])
    model = of_pipeline(pipeline, folder.name, harm)
    card = {
        "version": folder.name, "corpus": corpus.id, "trained_at": at.isoformat(),
        "fixture": _is_fixture(place, corpus, taught), "file_sha256": hashlib.sha256(raw).hexdigest(),
        "weights_sha256": weights_digest(model), "canary": canary(model), "training_sha256": digest, "labels": LABELS,
        "independent": all(e.origin in WITHOUT_LEXICON for e in taught.examples),
        "libraries": {name: installed(name) for name in ("scikit-learn", "numpy", "skops")}, "settings": settings,
        "threshold": {"harm": harm, "false_alarms_asked": settings["false_alarms"], "tuned_on": len(clean)},
        "data": data_of(taught.examples, taught.batches), "test": measured(model, parts["test"]),
        "train_texts": sorted(e.text_sha256 for e in parts["train"] + parts["tune"]),
    }  # fmt: skip
    _keep(folder, raw, card)
    return card


def _keep(folder: Path, raw: bytes, card: dict[str, Any]) -> None:
    """Puts both files in place at once: a model without its card is never seen."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        (making / MODEL_FILE).write_bytes(raw)
        write_atomically(making / CARD_FILE, json.dumps(card, ensure_ascii=False, indent=1))
        making.chmod(0o755)
        if not folder.exists():
            os.replace(making, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _is_fixture(place: Place, corpus: Corpus, taught: Taught) -> bool:
    """Whether any label is about a text of a source that is declared as a fixture."""
    made_up = {s.id for s in load_sources(place, corpus) if s.fixture}
    return any(e.source_id in made_up for e in taught.examples if e.origin == "annotation")


def card_of(place: Place, corpus_id: str, version: str | None = None) -> dict[str, Any]:
    """The card of a version, or of the promoted model.

    Raises:
        UserError: there is none.
    """
    if version is None:
        there = promoted(place, corpus_id)
        if there is None:
            raise UserError(
                f"No model is promoted for {corpus_id}. Train one (`corpusgate classifier train`), look at its card, "
                "and promote it (`corpusgate classifier promote VERSION`)."
            )
        version = there["version"]
    return read_card(_folder(place, version))


def evaluate(place: Place, corpus_id: str, version: str | None = None) -> dict[str, Any]:
    """A model's figures on the texts of today's labels that belong to the test part."""
    card = card_of(place, corpus_id, version)
    examples = examples_of(place, load_corpus(place, corpus_id)).examples
    test = [e for e in examples if rules.part_of(e.text_sha256) == "test"]
    return measured(load(_folder(place, card["version"])), test)


def promote(
    place: Place, corpus_id: str, version: str, at: datetime, margin: float = rules.MARGIN
) -> tuple[bool, list[str]]:
    """Makes a model the corpus's, unless something speaks against it; returns whether it did, and what speaks against.

    Both models are measured on the same held-out texts. That the predecessor's file cannot be read is no reason to
    promote anything: it raises.
    """
    folder = _folder(place, version)
    card = read_card(folder)
    if card["corpus"] != corpus_id:
        raise UserError(f"The model {version} was trained for the corpus {card['corpus']}, not for {corpus_id}.")
    model = load(folder)
    examples = examples_of(place, load_corpus(place, corpus_id)).examples
    test = [e for e in examples if rules.part_of(e.text_sha256) == "test"]
    new, before, old = measured(model, test), promoted(place, corpus_id), None
    if before is not None and before["version"] != version:
        old = measured(load(_folder(place, before["version"])), test, model.classes)
    against = rules.may_follow(new, old, asked_rate=card["threshold"]["false_alarms_asked"], margin=margin)
    if against:
        return False, against
    said = {
        "version": version, "weights_sha256": card["weights_sha256"], "promoted_at": at.isoformat(), "margin": margin,
        "predecessor": before and before["version"], "macro_f1": new["macro_f1"],
    }  # fmt: skip
    if before is None or before["version"] != version:
        write_atomically(models(place) / f"{corpus_id}.json", json.dumps(said, indent=1))
    return True, []


def _folder(place: Place, version: str) -> Path:
    """Raises UserError where there is no such model."""
    there = sorted(p.parent.name for p in models(place).glob("*/" + CARD_FILE) if not p.parent.name.startswith("."))
    if version not in there:
        raise UserError(f"No model {version[:40]!r}; there are: {', '.join(there) or 'none'}.")
    return models(place) / version
